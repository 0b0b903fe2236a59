package dev.loupe.sae.training;

import dev.loupe.sae.corpus.SplitMix;
import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.dictionary.DictionaryWeights;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.InputNormalization;
import dev.loupe.sae.dictionary.Parameter;
import dev.loupe.server.errors.StorageErrors;
import dev.loupe.server.files.DurableFiles;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.SafetensorsException;
import dev.loupe.tensor.SafetensorsFile;
import dev.loupe.tensor.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One safetensors file that holds a run's whole state: weights, moments, the shuffle buffer's rows,
 * counters, the place in the corpus and the random state. Written to the side and renamed.
 */
final class Checkpoint {
  private static final Logger log = LoggerFactory.getLogger(Checkpoint.class);
  private static final String FINGERPRINT = "fingerprint";

  private final Path file;
  private final TrainingSpec spec;
  private final String fingerprint;

  /**
   * The checkpoint of a run.
   *
   * @param spec of the run
   * @param fingerprint of the run; a checkpoint of another run is not read
   */
  Checkpoint(Path file, TrainingSpec spec, String fingerprint) {
    this.file = file;
    this.spec = spec;
    this.fingerprint = fingerprint;
  }

  private Map<String, String> metadata(long step) {
    return Map.of(
        FINGERPRINT,
        fingerprint,
        "model",
        spec.model(),
        "hook_point",
        spec.hookPoint(),
        "corpus",
        spec.corpus(),
        "d_sae",
        Integer.toString(spec.dSae()),
        "step",
        Long.toString(step),
        "steps",
        Long.toString(spec.schedule().steps()));
  }

  /** What a file says of itself; empty when it is no checkpoint, which the log says. */
  static Optional<CheckpointDescription> describe(Path file, String dictionary) throws IOException {
    try (SafetensorsFile stored = SafetensorsFile.open(file)) {
      Map<String, String> metadata = stored.metadata();
      return Optional.of(
          new CheckpointDescription(
              dictionary,
              metadata.getOrDefault("model", ""),
              metadata.getOrDefault("hook_point", ""),
              metadata.getOrDefault("corpus", ""),
              Integer.parseInt(metadata.getOrDefault("d_sae", "0")),
              Long.parseLong(metadata.getOrDefault("step", "0")),
              Long.parseLong(metadata.getOrDefault("steps", "0")),
              Files.size(file),
              Files.getLastModifiedTime(file).toInstant()));
    } catch (SafetensorsException | NoSuchFileException | NumberFormatException e) {
      log.warn("{} is no checkpoint that can be read: {}", file.getFileName(), e.getMessage());
      return Optional.empty();
    }
  }

  /**
   * Replaces the checkpoint. When this throws, the one before is as it was.
   *
   * @throws dev.loupe.server.errors.LoupeException STORAGE_FULL, STORAGE_UNAVAILABLE
   */
  void write(TrainingState state) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    List<Parameter> parameters = state.dictionary.parameters();
    for (int i = 0; i < parameters.size(); i++) {
      String name = parameters.get(i).name();
      tensors.put(name, floats(parameters.get(i).values()));
      tensors.put(name + ".m", floats(state.optimizer.firstMoments().get(i)));
      tensors.put(name + ".v", floats(state.optimizer.secondMoments().get(i)));
    }
    FloatRows rows = state.buffer.content();
    float[] content = Arrays.copyOf(rows.values(), rows.rows() * rows.width());
    tensors.put("buffer", HostTensor.ofFloats(content, rows.rows(), rows.width()));
    tensors.put("scale", floats(new float[] {state.scale}));
    tensors.put("steps_since_fired", longs(state.activity.stepsSinceFired()));
    tensors.put("window_firings", longs(state.activity.windowFirings()));
    tensors.put(
        "counters",
        longs(
            new long[] {
              state.step,
              state.place,
              state.taken,
              state.random.state(),
              state.activity.windowRows()
            }));
    try {
      DurableFiles.write(
          file, channel -> SafetensorsWriter.write(channel, tensors, metadata(state.step)));
    } catch (IOException e) {
      throw StorageErrors.of("the checkpoint", e);
    }
  }

  /**
   * The state to go on from; empty when there is none for this run, or when it is damaged, which
   * the log says.
   */
  Optional<TrainingState> read() {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try (SafetensorsFile stored = SafetensorsFile.open(file)) {
      if (!fingerprint.equals(stored.metadata().get(FINGERPRINT))) {
        log.info("the checkpoint of {} is of another run; training starts anew", spec.dictionary());
        return Optional.empty();
      }
      return Optional.of(state(stored));
    } catch (SafetensorsException | IllegalArgumentException e) {
      log.warn(
          "the checkpoint of {} is damaged, training starts anew: {}",
          spec.dictionary(),
          e.getMessage());
      return Optional.empty();
    } catch (IOException e) {
      throw StorageErrors.of("the checkpoint", e);
    }
  }

  /** Removes the checkpoint; to be called once the result is on the disk. */
  void delete() {
    try {
      DurableFiles.deleteIfExists(file);
    } catch (IOException e) {
      log.warn("a checkpoint that is no longer needed could not be deleted: {}", e.getMessage());
    }
  }

  private TrainingState state(SafetensorsFile stored) throws IOException {
    Dictionary dictionary =
        spec.architecture()
            .over(
                new DictionaryWeights(
                    stored.floats("W_enc"),
                    stored.floats("b_enc"),
                    stored.floats("W_dec"),
                    stored.floats("b_dec"),
                    true,
                    InputNormalization.NONE));
    long[] counters = stored.read("counters").toLongs();
    ShuffleBuffer buffer = new ShuffleBuffer(spec.schedule().bufferRows(), spec.dIn());
    int rows = (int) stored.shape("buffer")[0];
    buffer.add(new FloatRows(stored.floats("buffer"), rows, spec.dIn()), 0);
    FeatureActivity activity = new FeatureActivity(spec.dSae(), spec.schedule().deadAfterSteps());
    copy(stored.read("steps_since_fired").toLongs(), activity.stepsSinceFired());
    copy(stored.read("window_firings").toLongs(), activity.windowFirings());
    activity.resumeAt(counters[4]);
    TrainingState state =
        new TrainingState(
            dictionary, stored.floats("scale")[0], buffer, activity, new SplitMix(counters[3]));
    List<Parameter> parameters = dictionary.parameters();
    for (int i = 0; i < parameters.size(); i++) {
      String name = parameters.get(i).name();
      copy(stored.floats(name + ".m"), state.optimizer.firstMoments().get(i));
      copy(stored.floats(name + ".v"), state.optimizer.secondMoments().get(i));
    }
    state.step = counters[0];
    state.place = counters[1];
    state.taken = (int) counters[2];
    state.optimizer.resumeAt(state.step);
    return state;
  }

  private static HostTensor floats(float[] values) {
    return HostTensor.ofFloats(values, values.length);
  }

  private static HostTensor longs(long[] values) {
    return HostTensor.ofLongs(values, values.length);
  }

  private static void copy(long[] from, long[] to) {
    System.arraycopy(from, 0, to, 0, to.length);
  }

  private static void copy(float[] from, float[] to) {
    System.arraycopy(from, 0, to, 0, to.length);
  }
}
