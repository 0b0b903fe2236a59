package dev.loupe.features.grpc;

import dev.loupe.features.domain.FeatureId;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.ResourcePattern;
import java.util.List;

/**
 * Resource names of dictionaries, features and labels. Every method throws INVALID_NAME for a name
 * that is none.
 */
final class FeatureNames {
  private static final ResourcePattern DICTIONARY = ResourcePattern.of("dictionaries/{dictionary}");
  private static final ResourcePattern FEATURE =
      ResourcePattern.of("dictionaries/{dictionary}/features/{feature:index}");
  private static final ResourcePattern LABEL =
      ResourcePattern.of("dictionaries/{dictionary}/features/{feature:index}/labels/{label}");

  private FeatureNames() {}

  /**
   * A label's name.
   *
   * @param feature that it belongs to
   * @param label its last part
   */
  record LabelName(FeatureId feature, String label) {}

  static String dictionary(String field, String name) {
    return DICTIONARY.parseId(field, name);
  }

  /** The id of a dictionary, or {@link ResourcePattern#ANY}. */
  static String dictionaryOrAny(String field, String name) {
    return DICTIONARY.parseOrAny(field, name).get(0);
  }

  static FeatureId feature(String field, String name) {
    List<String> parts = FEATURE.parse(field, name);
    return new FeatureId(parts.get(0), Long.parseLong(parts.get(1)));
  }

  static FeatureId featureOf(String dictionary, String field, String name) {
    FeatureId id = feature(field, name);
    requireParent(dictionary, field, name, id);
    return id;
  }

  static LabelName label(String field, String name) {
    List<String> parts = LABEL.parse(field, name);
    return new LabelName(new FeatureId(parts.get(0), Long.parseLong(parts.get(1))), parts.get(2));
  }

  static LabelName labelOf(String dictionary, String field, String name) {
    LabelName label = label(field, name);
    requireParent(dictionary, field, name, label.feature());
    return label;
  }

  static String format(FeatureId id) {
    return FEATURE.format(id.dictionary(), id.index());
  }

  static String format(FeatureId id, String label) {
    return LABEL.format(id.dictionary(), id.index(), label);
  }

  private static void requireParent(String dictionary, String field, String name, FeatureId id) {
    if (!id.dictionary().equals(dictionary)) {
      throw LoupeException.invalid(
          ErrorReason.INVALID_NAME, field, name, "a name under " + DICTIONARY.format(dictionary));
    }
  }
}
