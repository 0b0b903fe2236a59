package dev.loupe.standalone.client;

/**
 * A dictionary.
 *
 * @param name {@code dictionaries/{dictionary}}
 * @param weightsSha256 lower-case hexadecimal
 */
public record DictionaryInfo(
    String name, String model, String hookPoint, int dIn, int features, String weightsSha256) {}
