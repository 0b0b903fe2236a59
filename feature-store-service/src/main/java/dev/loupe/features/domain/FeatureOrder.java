package dev.loupe.features.domain;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The order of a list of features. Ties go by index, smallest first.
 *
 * @param measure what to sort by; empty for the index
 * @param descending whether the largest comes first
 */
public record FeatureOrder(Optional<Measure> measure, boolean descending) {

  /** By index, smallest first. */
  public static final FeatureOrder BY_INDEX = new FeatureOrder(Optional.empty(), false);

  /**
   * Reads `FIELD`, `FIELD asc` or `FIELD desc`.
   *
   * @param text empty means by index
   * @throws OrderException if the text is not such an order; its message says what would be
   */
  public static FeatureOrder parse(String text) {
    if (text.isBlank()) {
      return BY_INDEX;
    }
    String[] words = text.strip().split("\\s+", -1);
    String direction = words.length == 1 ? "asc" : words[1].toLowerCase(Locale.ROOT);
    boolean descending = direction.equals("desc");
    if (words.length > 2 || (!descending && !direction.equals("asc"))) {
      throw new OrderException(text, accepted());
    }
    Optional<Measure> measure = Measure.named(words[0]);
    if (measure.isEmpty() && !words[0].equals("index")) {
      throw new OrderException(text, accepted());
    }
    return new FeatureOrder(measure, descending);
  }

  /** Where a list in this order goes on after a feature. */
  public FeatureQuery.Position after(StoredFeature feature) {
    return new FeatureQuery.Position(
        measure.map(m -> m.of(feature)).orElse(0.0), feature.id().index());
  }

  private static String accepted() {
    return "index, "
        + Arrays.stream(Measure.values()).map(Measure::word).collect(Collectors.joining(", "))
        + ", each alone or with \" asc\" or \" desc\" after it";
  }
}
