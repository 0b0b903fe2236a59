package dev.loupe.inference.pretraining;

/**
 * How a model is trained from nothing.
 *
 * @param steps optimiser steps in all
 * @param restartStep the step at which the learning rate starts anew (Loshchilov and Hutter 2017);
 *     as many as {@code steps} for never
 * @param learningRate the highest rate, reached after each warm-up
 * @param finalLearningRate the rate before a restart and at the last step; a cosine leads there
 * @param warmupSteps steps of linear rise from 0
 * @param beta1 decay of Adam's mean
 * @param beta2 decay of Adam's square
 * @param epsilon added to Adam's denominator
 * @param weightDecay decoupled, on matrices and embeddings only (Loshchilov and Hutter 2019)
 * @param gradientClip largest norm of the whole gradient
 * @param seed of the initial weights
 */
public record PretrainOptions(
    int steps,
    int restartStep,
    double learningRate,
    double finalLearningRate,
    int warmupSteps,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    double gradientClip,
    long seed) {

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException naming the first that cannot work
   */
  public PretrainOptions {
    require(steps >= 1, "steps", steps, "at least 1");
    require(restartStep >= 1 && restartStep <= steps, "restartStep", restartStep, "1 to steps");
    require(learningRate > 0, "learningRate", learningRate, "above 0");
    require(
        finalLearningRate >= 0 && finalLearningRate <= learningRate,
        "finalLearningRate",
        finalLearningRate,
        "0 to learningRate");
    require(warmupSteps >= 0, "warmupSteps", warmupSteps, "0 or more");
    require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "0 to below 1");
    require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "0 to below 1");
    require(epsilon > 0, "epsilon", epsilon, "above 0");
    require(weightDecay >= 0, "weightDecay", weightDecay, "0 or more");
    require(gradientClip > 0, "gradientClip", gradientClip, "above 0");
  }

  /**
   * AdamW with betas 0.9 and 0.95, weight decay 0.1, clip 1, and a hundredth of the steps before
   * the restart to warm up.
   */
  public static PretrainOptions of(int steps, int restartStep, double learningRate, long seed) {
    return new PretrainOptions(
        steps,
        restartStep,
        learningRate,
        learningRate / 10,
        Math.max(1, restartStep / 100),
        0.9,
        0.95,
        1e-8,
        0.1,
        1,
        seed);
  }

  /** The learning rate of a step, counted from 0. */
  double learningRateAt(int step) {
    boolean restarted = step >= restartStep;
    int at = restarted ? step - restartStep : step;
    int length = restarted ? steps - restartStep : restartStep;
    if (at < warmupSteps) {
      return learningRate * (at + 1) / warmupSteps;
    }
    double progress = (at - warmupSteps) / Math.max(1.0, length - warmupSteps);
    double cosine = (1 + Math.cos(Math.PI * Math.min(1, progress))) / 2;
    return finalLearningRate + (learningRate - finalLearningRate) * cosine;
  }

  private static void require(boolean holds, String field, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(field + " is " + value + "; expected " + expected);
    }
  }
}
