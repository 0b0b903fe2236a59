package dev.loupe.inference.serving;

import ai.djl.Device;
import dev.loupe.inference.hub.HubException;
import dev.loupe.inference.hub.ModelHub;
import dev.loupe.inference.model.ComputeType;
import dev.loupe.inference.model.ConfigException;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LoadedModel;
import dev.loupe.inference.model.ModelLoadException;
import dev.loupe.inference.model.ModelLoader;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.processing.WeightProcessing;
import dev.loupe.inference.tokenizer.BpeTokenizer;
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
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Loads models, and says in one sentence why one cannot be loaded. */
public final class ModelOpener {
  private static final Logger log = LoggerFactory.getLogger(ModelOpener.class);

  private final ModelHub hub;
  private final String version = LoupeVersion.read();

  /** An opener that finds files through a hub. */
  public ModelOpener(ModelHub hub) {
    this.hub = hub;
  }

  /**
   * Loads all, or none.
   *
   * @throws LoupeException UNREADABLE_MODEL, SERVICE_UNAVAILABLE when a hub cannot be reached,
   *     STORAGE_FULL, or INVALID_VALUE when two models have one id
   */
  public ModelRegistry openAll(List<ModelSpec> specs) {
    List<ServedModel> opened = new ArrayList<>();
    try {
      for (ModelSpec spec : specs) {
        if (opened.stream().anyMatch(model -> model.id().equals(spec.id()))) {
          throw LoupeException.invalidValue(
              "model", spec.id(), "each model an id of its own, as in id=" + spec.id());
        }
        opened.add(open(spec));
      }
      return new ModelRegistry(opened);
    } catch (RuntimeException e) {
      opened.forEach(model -> model.loaded().close());
      throw e;
    }
  }

  private ServedModel open(ModelSpec spec) {
    Path folder;
    try {
      folder = hub.folder(spec.source());
    } catch (HubException e) {
      throw unavailable(e);
    }
    try {
      return load(spec.id(), folder);
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

  private ServedModel load(String id, Path folder) throws IOException {
    BpeTokenizer tokenizer = BpeTokenizer.load(folder);
    String sha256 = WeightsHash.of(folder);
    LoadedModel loaded = ModelLoader.load(folder);
    GptConfig config = loaded.config();
    if (tokenizer.size() > config.vocabularySize()) {
      log.warn(
          "the tokenizer of model {} has {} tokens, of which the model knows {}",
          id,
          tokenizer.size(),
          config.vocabularySize());
    }
    log.info(
        "model {} is loaded: {} layers, {} wide, {} parameters",
        id,
        config.layers(),
        config.dModel(),
        config.parameters());
    Provenance provenance =
        new Provenance(
            id,
            sha256,
            ComputeType.F32,
            WeightProcessing.NONE,
            TensorEngine.version(),
            device(loaded),
            version);
    return new ServedModel(
        id, loaded, tokenizer, new HookPoints(config), bosToken(config, tokenizer), provenance);
  }

  private static String device(LoadedModel model) {
    Device device = model.weightsManager().getDevice();
    return device.isGpu() ? "gpu(" + device.getDeviceId() + ")" : device.getDeviceType();
  }

  private static int bosToken(GptConfig config, BpeTokenizer tokenizer) {
    if (config.bosToken() >= 0 || config.eosToken() >= 0) {
      return config.bosToken() >= 0 ? config.bosToken() : config.eosToken();
    }
    int found = tokenizer.find("<|endoftext|>").orElse(-1);
    return found < config.vocabularySize() ? found : -1;
  }
}
