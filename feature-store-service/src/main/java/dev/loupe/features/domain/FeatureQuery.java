package dev.loupe.features.domain;

import java.util.List;
import java.util.Optional;

/**
 * Asks for one page of a dictionary's features.
 *
 * @param dictionary whose features
 * @param conditions all of which must hold
 * @param order how they are sorted
 * @param view how much of each
 * @param limit at most this many, 1 or more
 * @param after where the page before ended; empty for the first page
 */
public record FeatureQuery(
    String dictionary,
    List<Condition> conditions,
    FeatureOrder order,
    FeatureView view,
    int limit,
    Optional<Position> after) {
  public FeatureQuery {
    conditions = List.copyOf(conditions);
  }

  /**
   * A place in a sorted list.
   *
   * @param value what the last feature is sorted by; 0 when sorted by index
   * @param index the last feature's index
   */
  public record Position(double value, long index) {}
}
