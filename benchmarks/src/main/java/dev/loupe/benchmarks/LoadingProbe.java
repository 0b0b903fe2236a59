package dev.loupe.benchmarks;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ComputeType;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.LoadListener;
import dev.loupe.inference.model.LoadedModel;
import dev.loupe.inference.model.ModelLoader;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.WeightTransform;
import dev.loupe.inference.processing.WeightProcessing;
import dev.loupe.inference.processing.WeightProcessor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * A process of its own that loads one model and prints three numbers: by how many bytes the process
 * was larger at its largest than before, the bytes of the weights as they are used, and the seconds
 * that reading, hashing and one pass took. The pass is over one token and touches every weight;
 * another model was loaded and run before, so that the engine itself does not count.
 */
final class LoadingProbe {
  private LoadingProbe() {}

  /** Takes the folder of a small model, the folder to measure, F32 or BF16, and all or none. */
  public static void main(String[] args) throws IOException, InterruptedException {
    ComputeType type = ComputeType.valueOf(args[2].toUpperCase(Locale.ROOT));
    Optional<WeightTransform> transform =
        args[3].equals("all")
            ? Optional.of(new WeightProcessor(WeightProcessing.ALL))
            : Optional.empty();
    load(Path.of(args[0]), transform, type);
    ProcessMemory.now();
    ProcessMemory.resetPeak();
    long before = ProcessMemory.resident();
    long start = System.nanoTime();
    load(Path.of(args[1]), transform, type);
    double seconds = (System.nanoTime() - start) / 1e9;
    long taken = ProcessMemory.peak() - before;
    long weights =
        ModelLoader.weightBytes(ModelLoader.config(Path.of(args[1])), transform.isPresent(), type);
    System.out.println(taken + " " + weights + " " + seconds);
  }

  private static void load(Path folder, Optional<WeightTransform> transform, ComputeType type)
      throws IOException {
    try (LoadedModel model = ModelLoader.load(folder, transform, type, LoadListener.NONE);
        NDManager scope = model.newScope()) {
      model
          .transformer()
          .forward(scope, TokenBatch.of(new int[] {0}), ForwardOptions.plain())
          .requireLogits();
    }
  }
}
