package dev.loupe.sae.training;

import java.time.Duration;

/**
 * Where training stands.
 *
 * @param step steps done
 * @param totalSteps steps to do
 * @param rows activations trained on
 * @param rowsPerSecond since the status before, waiting for the model included
 * @param loss of the latest step, in scaled units
 * @param mse of the latest step, in the activations' own units
 * @param explainedVariance of the latest batch
 * @param l0 of the latest batch
 * @param deadFraction share of features that count as dead
 * @param learningRate of the latest step
 * @param remaining estimated time to the end
 */
public record TrainingStatus(
    long step,
    long totalSteps,
    long rows,
    double rowsPerSecond,
    double loss,
    double mse,
    double explainedVariance,
    double l0,
    double deadFraction,
    double learningRate,
    Duration remaining) {}
