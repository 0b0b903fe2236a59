package dev.loupe.inference.model;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenFile;
import java.io.IOException;
import java.nio.file.Path;

/** The golden model with its golden tokens, for tests. */
public final class TinyModel implements AutoCloseable {
  private final LoadedModel model;
  private final GoldenFile golden = Golden.gpt2Tiny();

  /** Loads the model from files written below a folder. */
  public TinyModel(Path folder) throws IOException {
    model = ModelLoader.load(Golden.copyGpt2Tiny(folder));
  }

  /** The golden values. */
  public GoldenFile golden() {
    return golden;
  }

  /** The model itself. */
  public HookedTransformer transformer() {
    return model.transformer();
  }

  /** The loaded model. */
  public LoadedModel loaded() {
    return model;
  }

  /** The golden rows of tokens, all of one length. */
  public int[][] rows() {
    int[] flat = golden.tensor("tokens").ints();
    int width = (int) golden.tensor("tokens").shape()[1];
    int[][] rows = new int[flat.length / width][];
    for (int r = 0; r < rows.length; r++) {
      rows[r] = java.util.Arrays.copyOfRange(flat, r * width, (r + 1) * width);
    }
    return rows;
  }

  /** Runs the golden rows. */
  public ForwardResult run(NDManager scope, HookProgram program) {
    return transformer()
        .forward(scope, TokenBatch.of(rows()), ForwardOptions.plain().with(program));
  }

  @Override
  public void close() {
    model.close();
  }
}
