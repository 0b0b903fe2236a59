package dev.loupe.standalone.client;

/**
 * How to train a TopK dictionary.
 *
 * @param hookPoint what it reads
 * @param features d_sae
 * @param k features kept for each activation
 * @param steps optimiser steps
 * @param batchSize activations in each step
 * @param warmupSteps steps over which the learning rate rises
 * @param decaySteps steps at the end over which it falls
 * @param deadAfterSteps a feature that did not fire for this many steps is revived
 */
public record TrainingSpec(
    String hookPoint,
    int features,
    int k,
    double auxkCoefficient,
    long steps,
    int batchSize,
    double learningRate,
    long warmupSteps,
    long decaySteps,
    long deadAfterSteps,
    long seed) {}
