package dev.loupe.sae.training;

import dev.loupe.sae.dictionary.BatchLoss;
import java.time.Duration;

/** Says when a status is due, and how fast training goes. */
final class ProgressClock {
  private static final long INTERVAL_NANOS = 250_000_000;

  private final Schedule schedule;
  private final double squaredScale;
  private final long firstStep;
  private final long started = System.nanoTime();
  private long lastStep;
  private long last = started;

  ProgressClock(long firstStep, Schedule schedule, float scale) {
    this.firstStep = firstStep;
    this.lastStep = firstStep;
    this.schedule = schedule;
    this.squaredScale = (double) scale * scale;
  }

  boolean isDue(long step) {
    return step == schedule.steps()
        || lastStep == firstStep
        || System.nanoTime() - last >= INTERVAL_NANOS;
  }

  TrainingStatus status(long step, BatchLoss loss, double deadFraction, float rate) {
    long now = System.nanoTime();
    double sinceLast = Math.max(1, now - last) / 1e9;
    double perStep = (double) (now - started) / Math.max(1, step - firstStep);
    TrainingStatus status =
        new TrainingStatus(
            step,
            schedule.steps(),
            step * schedule.batchSize(),
            (step - lastStep) * (double) schedule.batchSize() / sinceLast,
            loss.loss(),
            loss.mse() / squaredScale,
            loss.explainedVariance(),
            loss.l0(),
            deadFraction,
            rate,
            Duration.ofNanos((long) (perStep * (schedule.steps() - step))));
    last = now;
    lastStep = step;
    return status;
  }
}
