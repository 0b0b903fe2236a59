package dev.loupe.sae.format;

import dev.loupe.sae.dictionary.Architecture;
import java.time.Instant;

/**
 * What is known of a stored dictionary without its weights.
 *
 * @param id the last part of its resource name
 * @param model id of the model that it reads
 * @param modelSha256 of that model's weights, lower-case hexadecimal; empty when not known
 * @param hookPoint the hook point that it reads and reconstructs
 * @param dIn width of the activations
 * @param dSae number of features
 * @param architecture with its constants
 * @param weightsSha256 of the weight file, lower-case hexadecimal
 * @param created when its files were written
 */
public record DictionaryDescription(
    String id,
    String model,
    String modelSha256,
    String hookPoint,
    int dIn,
    int dSae,
    Architecture architecture,
    String weightsSha256,
    Instant created) {}
