package dev.loupe.sae.training;

import dev.loupe.sae.dictionary.Dictionary;

/**
 * What a run ends with.
 *
 * @param dictionary reads and gives activations as they are
 * @param densities share of activations at which each feature fired over the last thousand steps
 */
public record TrainedDictionary(Dictionary dictionary, double[] densities) {}
