package dev.loupe.inference.serving;

import ai.djl.Device;
import dev.loupe.inference.captures.ActivationCaches;
import dev.loupe.inference.captures.CacheSpace;
import dev.loupe.inference.generation.StopTokens;
import dev.loupe.inference.hub.HubException;
import dev.loupe.inference.hub.ModelHub;
import dev.loupe.inference.model.ConfigException;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LoadedModel;
import dev.loupe.inference.model.ModelLoadException;
import dev.loupe.inference.model.ModelLoader;
import dev.loupe.inference.model.WeightTransform;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.processing.WeightProcessing;
import dev.loupe.inference.processing.WeightProcessor;
import dev.loupe.inference.tokenizer.NoTokenizer;
import dev.loupe.inference.tokenizer.SpecialTokens;
import dev.loupe.inference.tokenizer.Tokenizer;
import dev.loupe.inference.tokenizer.TokenizerException;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.errors.StorageErrors;
import dev.loupe.tensor.SafetensorsException;
import dev.loupe.tensor.TensorEngine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Loads models, and says in one sentence why one cannot be loaded. */
final class ModelOpener {
  private static final Logger log = LoggerFactory.getLogger(ModelOpener.class);

  /** Weights are read of so many at once; any number may be on the way from the hub. */
  private static final int READ_AT_ONCE = 2;

  private static final int LOOK_AGAIN_MILLIS = 100;

  private final Semaphore reading = new Semaphore(READ_AT_ONCE, true);
  private final ModelHub hub;
  private final CacheSpace cacheSpace;
  private final String version = LoupeVersion.read();

  /**
   * An opener that finds files through a hub.
   *
   * @param cacheSpace for what the models' runs leave on the server
   */
  ModelOpener(ModelHub hub, CacheSpace cacheSpace) {
    this.hub = hub;
    this.cacheSpace = cacheSpace;
  }

  /**
   * Loads a model.
   *
   * @param admission asked before weights are fetched or read
   * @param watcher told of each step
   * @throws LoupeException UNREADABLE_MODEL, SERVICE_UNAVAILABLE when a hub cannot be reached,
   *     STORAGE_FULL, and what admission and watcher throw; nothing stays loaded then
   */
  ServedModel open(ModelSpec spec, Admission admission, LoadWatcher watcher) {
    try {
      Path folder =
          hub.folder(
              spec.source(),
              (file, done, total) -> watcher.onStep("downloading " + file, done, total),
              admission::mostFileBytes);
      awaitTurn(watcher);
      try {
        admission.admit(ModelLoader.config(folder));
        return load(spec, folder, watcher);
      } finally {
        reading.release();
      }
    } catch (HubException e) {
      throw unavailable(e);
    } catch (NoSuchFileException e) {
      String detail = e.getReason() == null ? "is missing" : e.getReason();
      throw unreadable(spec, e.getFile() + " " + detail, e);
    } catch (SafetensorsException | ConfigException | ModelLoadException | TokenizerException e) {
      throw unreadable(spec, e.getMessage(), e);
    } catch (IOException e) {
      throw StorageErrors.of("model " + spec.id(), e);
    } catch (UncheckedIOException e) {
      throw StorageErrors.of("model " + spec.id(), e.getCause());
    }
  }

  private void awaitTurn(LoadWatcher watcher) {
    try {
      while (!reading.tryAcquire(LOOK_AGAIN_MILLIS, TimeUnit.MILLISECONDS)) {
        watcher.onStep("waiting for its turn", 0, 0);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw LoupeException.of(ErrorReason.CALL_CANCELLED, "the load was interrupted", e);
    }
  }

  private static LoupeException unreadable(ModelSpec spec, String why, Exception cause) {
    return LoupeException.of(
        ErrorReason.UNREADABLE_MODEL,
        "model %s cannot be loaded: %s".formatted(spec.id(), why),
        cause);
  }

  private static LoupeException unavailable(HubException e) {
    if (e.kind() == HubException.Kind.DISK && e.getCause() instanceof IOException cause) {
      return StorageErrors.of("the model cache", cause);
    }
    ErrorReason reason =
        switch (e.kind()) {
          case INVALID -> ErrorReason.INVALID_VALUE;
          case NOT_FOUND, DENIED, CORRUPT -> ErrorReason.UNREADABLE_MODEL;
          case UNREACHABLE -> ErrorReason.SERVICE_UNAVAILABLE;
          case DISK -> ErrorReason.STORAGE_FULL;
        };
    return LoupeException.of(reason, e.getMessage(), e);
  }

  private ServedModel load(ModelSpec spec, Path folder, LoadWatcher watcher) throws IOException {
    Tokenizer tokenizer = Tokenizer.load(folder);
    LoadedModel loaded =
        ModelLoader.load(
            folder,
            transform(spec.form().processing()),
            spec.form().computeType(),
            (done, total) -> watcher.onStep("reading the weights", done, total));
    GptConfig config = loaded.config();
    if (tokenizer.size() > config.vocabularySize()) {
      log.warn(
          "the tokenizer of model {} has {} tokens, of which the model knows {}",
          spec.id(),
          tokenizer.size(),
          config.vocabularySize());
    }
    log.info(
        "model {} is loaded: {} layers, {} wide, {} parameters, {}, processing {}",
        spec.id(),
        config.layers(),
        config.dModel(),
        config.parameters(),
        spec.form().computeType(),
        spec.form().processing());
    SpecialTokens specialTokens = TokenRoles.of(tokenizer, config);
    log.info(
        "model {}: BOS is {}, EOS is {}, PAD is {}",
        spec.id(),
        specialTokens.bos(),
        specialTokens.eos(),
        specialTokens.pad());
    if (tokenizer instanceof NoTokenizer) {
      log.warn("model {} has no tokenizer: it serves token ids, and refuses text", spec.id());
    }
    int bos = specialTokens.bos().id();
    return new ServedModel(
        spec,
        loaded,
        tokenizer,
        new HookPoints(config),
        specialTokens,
        StopTokens.read(
            folder, config.vocabularySize(), bos < 0 ? OptionalInt.empty() : OptionalInt.of(bos)),
        provenance(spec, loaded),
        new ActivationCaches(cacheSpace));
  }

  private static Optional<WeightTransform> transform(WeightProcessing steps) {
    return steps.isNone() ? Optional.empty() : Optional.of(new WeightProcessor(steps));
  }

  private Provenance provenance(ModelSpec spec, LoadedModel loaded) {
    Device device = loaded.weightsManager().getDevice();
    return new Provenance(
        spec.id(),
        loaded.weightsSha256(),
        spec.form().computeType(),
        spec.form().processing(),
        TensorEngine.version(),
        device.isGpu() ? "gpu(" + device.getDeviceId() + ")" : device.getDeviceType(),
        version);
  }
}
