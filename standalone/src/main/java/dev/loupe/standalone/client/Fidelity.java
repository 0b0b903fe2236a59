package dev.loupe.standalone.client;

/**
 * What a dictionary costs and keeps, over a corpus.
 *
 * @param ceClean the model's mean loss as it is, in nats per token
 * @param ceSpliced the same with the reconstruction in the activation's place
 * @param ceZeroAblated the same with the activation set to zero
 */
public record Fidelity(
    long activations,
    double explainedVariance,
    double l0,
    double meanSquaredError,
    double cosine,
    double deadFraction,
    double ceClean,
    double ceSpliced,
    double ceZeroAblated,
    double ceRecovered) {}
