package dev.loupe.gateway.analysis;

/**
 * What must be known of a dictionary to use it.
 *
 * @param name {@code dictionaries/{dictionary}}
 * @param model {@code models/{model}} that it reads
 * @param modelSha256 of that model's weights; empty when not known
 * @param hookPoint where it reads
 * @param width of the activations that it reads
 */
public record DictionaryFacts(
    String name, String model, String modelSha256, String hookPoint, int width) {}
