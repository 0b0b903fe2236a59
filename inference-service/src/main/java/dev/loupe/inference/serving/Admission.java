package dev.loupe.inference.serving;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.GptConfigReader;
import dev.loupe.inference.model.ModelLoader;
import java.io.IOException;
import java.nio.file.Path;

/** Takes the memory of one model's weights before they are read, once. */
final class Admission {
  /** Beside the weights a file may hold its header and the causal masks of all layers. */
  private static final long HEADER_BYTES = 100_000_000;

  private final ModelSpec spec;
  private final WeightsBudget budget;
  private final boolean forced;
  private long taken;

  /**
   * @param forced takes the memory whether or not it is there
   */
  Admission(ModelSpec spec, WeightsBudget budget, boolean forced) {
    this.spec = spec;
    this.budget = budget;
    this.forced = forced;
  }

  /**
   * Looks whether a model's weights would fit, and takes no memory: a download may be slow, and
   * what others need meanwhile is theirs.
   *
   * @return the most bytes that its weight files can have, whatever their element type
   * @throws dev.loupe.server.errors.LoupeException OUT_OF_BUDGET
   * @throws dev.loupe.inference.model.ConfigException when it is no GPT-2
   */
  long mostFileBytes(Path configFile) throws IOException {
    GptConfig config = GptConfigReader.read(configFile);
    if (!forced) {
      budget.requireFree("model " + spec.id(), weightBytes(config));
    }
    long context = config.contextLength();
    long unembedding = (long) config.vocabularySize() * config.dModel();
    return Double.BYTES * (config.parameters() + unembedding)
        + Float.BYTES * context * context * config.layers()
        + HEADER_BYTES;
  }

  /**
   * Admits a model, once.
   *
   * @throws dev.loupe.server.errors.LoupeException OUT_OF_BUDGET
   */
  void admit(GptConfig config) {
    long bytes = weightBytes(config);
    if (forced) {
      budget.take(bytes);
    } else {
      budget.takeIfFree("model " + spec.id(), bytes);
    }
    taken = bytes;
  }

  private long weightBytes(GptConfig config) {
    return ModelLoader.weightBytes(
        config, !spec.form().processing().isNone(), spec.form().computeType());
  }

  /** Gives the memory back. */
  void revoke() {
    budget.giveBack(taken);
    taken = 0;
  }
}
