package dev.loupe.sae.training;

import java.util.stream.IntStream;

/** How long ago each feature fired, and how often it did over the last steps of a run. */
final class FeatureActivity {
  private static final int WINDOW_STEPS = 1_000;

  private final long[] stepsSinceFired;
  private final long[] windowFirings;
  private final long deadAfterSteps;
  private long windowRows;

  FeatureActivity(int dSae, long deadAfterSteps) {
    this.stepsSinceFired = new long[dSae];
    this.windowFirings = new long[dSae];
    this.deadAfterSteps = deadAfterSteps;
  }

  /** Counts one step. */
  void add(int[] firings, int rows, long stepsLeft) {
    boolean inWindow = stepsLeft < WINDOW_STEPS;
    for (int i = 0; i < firings.length; i++) {
      stepsSinceFired[i] = firings[i] > 0 ? 0 : stepsSinceFired[i] + 1;
      if (inWindow) {
        windowFirings[i] += firings[i];
      }
    }
    if (inWindow) {
      windowRows += rows;
    }
  }

  /** Features that did not fire for too long, ascending. */
  int[] dead() {
    return IntStream.range(0, stepsSinceFired.length)
        .filter(i -> stepsSinceFired[i] >= deadAfterSteps)
        .toArray();
  }

  /** Share of activations at which each feature fired over the last thousand steps of the run. */
  double[] densities() {
    double[] densities = new double[windowFirings.length];
    for (int i = 0; i < densities.length; i++) {
      densities[i] = (double) windowFirings[i] / Math.max(1, windowRows);
    }
    return densities;
  }

  long[] stepsSinceFired() {
    return stepsSinceFired;
  }

  long[] windowFirings() {
    return windowFirings;
  }

  long windowRows() {
    return windowRows;
  }

  void resumeAt(long rows) {
    this.windowRows = rows;
  }
}
