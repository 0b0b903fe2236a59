package dev.loupe.sae.format;

import java.util.List;

/**
 * What a store holds.
 *
 * @param dictionaries that can be read, by id
 * @param problems of the other folders, by name
 */
public record DictionaryListing(
    List<DictionaryDescription> dictionaries, List<DictionaryProblem> problems) {}
