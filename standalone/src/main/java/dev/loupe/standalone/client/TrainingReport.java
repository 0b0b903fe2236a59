package dev.loupe.standalone.client;

/** Where training stands; figures are those of the latest step. */
public record TrainingReport(
    long step,
    long totalSteps,
    long rows,
    double rowsPerSecond,
    double loss,
    double explainedVariance,
    double l0,
    double deadFraction) {}
