package dev.loupe.sae.training;

/**
 * How a dictionary is optimised.
 *
 * @param steps optimiser steps, 1 or more
 * @param batchSize activations in each step
 * @param learningRate at its peak
 * @param warmupSteps over which the learning rate and the sparsity coefficient rise
 * @param decaySteps at the end, over which the learning rate falls to 0
 * @param bufferRows activations held for shuffling, at least two batches
 * @param deadAfterSteps without firing after which a feature counts as dead
 * @param checkpointSteps between checkpoints
 */
public record Schedule(
    long steps,
    int batchSize,
    float learningRate,
    long warmupSteps,
    long decaySteps,
    int bufferRows,
    long deadAfterSteps,
    long checkpointSteps) {

  /** What requests must have in common to go on from each other's checkpoints. */
  Schedule withoutLength() {
    return new Schedule(0, batchSize, learningRate, warmupSteps, 0, bufferRows, deadAfterSteps, 0);
  }

  /** The learning rate of a step, counted from 0. */
  float learningRateAt(long step) {
    double decay = decaySteps > 0 ? Math.min(1, (double) (steps - step) / decaySteps) : 1;
    return (float) (learningRate * warmup(step) * decay);
  }

  /** The share of the sparsity coefficient in a step, counted from 0. */
  float sparsityFactorAt(long step) {
    return (float) warmup(step);
  }

  private double warmup(long step) {
    return warmupSteps > 0 ? Math.min(1, (step + 1.0) / warmupSteps) : 1;
  }
}
