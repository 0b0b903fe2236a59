package dev.loupe.features.domain;

import java.util.List;

/**
 * One page of matches.
 *
 * @param matches best first; ties by dictionary, then index
 * @param more whether others follow
 */
public record FeatureMatches(List<Match> matches, boolean more) {
  public FeatureMatches {
    matches = List.copyOf(matches);
  }

  /**
   * A feature found.
   *
   * @param feature in the basic view
   * @param points the best {@link WordField} hit of each word, summed; above 0
   */
  public record Match(StoredFeature feature, int points) {

    /** Where the page after this match starts. */
    public FeatureSearch.Position position() {
      return new FeatureSearch.Position(points, feature.id());
    }
  }
}
