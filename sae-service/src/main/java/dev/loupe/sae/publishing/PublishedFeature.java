package dev.loupe.sae.publishing;

import java.util.List;

/**
 * What the feature store gets of one feature.
 *
 * @param index of the feature
 * @param statistics over the corpus
 * @param examples strongest first
 * @param effects on the logits
 * @param neighbours most similar first
 */
public record PublishedFeature(
    int index,
    FeatureStatistics statistics,
    List<FeatureExample> examples,
    LogitEffects effects,
    List<FeatureNeighbour> neighbours) {}
