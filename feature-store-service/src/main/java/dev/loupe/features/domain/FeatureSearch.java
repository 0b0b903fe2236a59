package dev.loupe.features.domain;

import java.util.List;
import java.util.Optional;

/**
 * Asks for one page of the features in which every word occurs.
 *
 * @param dictionary whose features; empty for those of all dictionaries
 * @param words as {@link Words} splits them, at least one
 * @param limit at most this many, 1 or more
 * @param after where the page before ended; empty for the first page
 */
public record FeatureSearch(
    Optional<String> dictionary, List<String> words, int limit, Optional<Position> after) {
  public FeatureSearch {
    words = List.copyOf(words);
  }

  /**
   * A place among matches.
   *
   * @param points of the last match
   * @param id of the last match
   */
  public record Position(int points, FeatureId id) {}
}
