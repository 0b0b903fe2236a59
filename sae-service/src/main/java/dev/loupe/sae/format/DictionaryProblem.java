package dev.loupe.sae.format;

/**
 * A folder among the dictionaries that none can be read from.
 *
 * @param folder its name
 * @param problem what is wrong with it
 */
public record DictionaryProblem(String folder, String problem) {}
