package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.ModelInfo;
import dev.loupe.standalone.client.TrainingSpec;

/**
 * How much the story does.
 *
 * @param rowLength tokens in a row of text
 * @param trainingRows rows of text that the dictionary is trained on
 * @param heldOutRows rows on which units are chosen, and again as many on which they are measured
 * @param layer block whose neurons are looked at, and whose activations the dictionary reads
 * @param training how the dictionary is trained
 * @param generatedTokens length of the steered texts
 */
public record DemoSettings(
    int rowLength,
    int trainingRows,
    int heldOutRows,
    int layer,
    TrainingSpec training,
    int generatedTokens) {
  /**
   * Weight of the share of the error that dead features fail to reconstruct. It stands beside a
   * squared error of some tens in these models, so the usual 1/32 would do next to nothing.
   */
  private static final double AUXK = 1;

  /** What the shipped model needs for its figures within the time that it has. */
  public static DemoSettings shipped(ModelInfo model) {
    int layer = model.layers() / 2;
    return new DemoSettings(
        Math.min(128, model.contextSize()),
        4_000,
        200,
        layer,
        spec("blocks." + layer + ".hook_resid_post", model.dModel() * 12, 16, 900, 1024, 3e-3),
        24);
  }

  /** What a reader's own model gets unless the reader says otherwise: a first look, in minutes. */
  public static DemoSettings own(ModelInfo model) {
    int layer = model.layers() / 2;
    boolean large = model.parameters() > 20_000_000;
    return new DemoSettings(
        Math.min(128, model.contextSize()),
        large ? 1_000 : 3_000,
        large ? 40 : 150,
        layer,
        spec(
            "blocks." + layer + ".hook_resid_post",
            Math.min(8_192, model.dModel() * 8),
            32,
            large ? 250 : 500,
            large ? 512 : 1024,
            1e-3),
        24);
  }

  /**
   * The same, with another hook point or size of dictionary or number of steps where one is given.
   */
  public DemoSettings with(String hookPoint, Integer features, Long steps) {
    TrainingSpec t = training;
    long newSteps = steps == null ? t.steps() : steps;
    TrainingSpec changed =
        new TrainingSpec(
            hookPoint == null ? t.hookPoint() : hookPoint,
            features == null ? t.features() : features,
            Math.min(t.k(), features == null ? t.features() : features),
            t.auxkCoefficient(),
            newSteps,
            t.batchSize(),
            t.learningRate(),
            Math.min(t.warmupSteps(), newSteps / 10),
            newSteps / 3,
            t.deadAfterSteps(),
            t.seed());
    return new DemoSettings(rowLength, trainingRows, heldOutRows, layer, changed, generatedTokens);
  }

  private static TrainingSpec spec(
      String hookPoint, int features, int k, long steps, int batch, double learningRate) {
    return new TrainingSpec(
        hookPoint, features, k, AUXK, steps, batch, learningRate, steps / 20, steps / 3, 100, 1);
  }
}
