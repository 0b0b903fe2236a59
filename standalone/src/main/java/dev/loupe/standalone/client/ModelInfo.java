package dev.loupe.standalone.client;

/**
 * A loaded model.
 *
 * @param name {@code models/{model}}
 * @param weightsSha256 lower-case hexadecimal
 * @param processingSteps how many of the four steps of weight processing were taken
 */
public record ModelInfo(
    String name,
    int layers,
    int heads,
    int dModel,
    int dMlp,
    int vocabulary,
    int contextSize,
    long parameters,
    int bosToken,
    String weightsSha256,
    String device,
    int processingSteps) {}
