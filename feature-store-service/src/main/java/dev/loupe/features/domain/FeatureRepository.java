package dev.loupe.features.domain;

import java.util.List;
import java.util.Optional;

/**
 * Keeps features. Safe for use by many threads. Every method throws {@link StorageException} when
 * the database cannot do its work; a write then has not happened at all.
 */
public interface FeatureRepository {

  /** More labels than this a feature cannot have. */
  int MAX_LABELS = 100;

  /** Details of more than this many bytes are not read at once. */
  int MAX_ANSWER_BYTES = 14 << 20;

  /**
   * Writes features of one dictionary, each replacing what was stored under its id, its labels
   * added to those that are stored. All or nothing.
   *
   * @param features no two with the same id
   * @throws TooManyLabelsException if one would have more than {@link #MAX_LABELS} labels
   */
  void upsert(String dictionary, List<Feature> features);

  /**
   * Reads features of one dictionary, in the order asked; those that are not stored are left out.
   *
   * @throws AnswerTooLargeException if they have more than {@link #MAX_ANSWER_BYTES}
   */
  List<StoredFeature> get(String dictionary, List<Long> indices, FeatureView view);

  /** Reads one feature, if it is stored. */
  default Optional<StoredFeature> get(FeatureId id, FeatureView view) {
    return get(id.dictionary(), List.of(id.index()), view).stream().findFirst();
  }

  /** Reads a page of a dictionary's features. */
  FeaturePage list(FeatureQuery query);

  /**
   * Finds the features in which every word of a search occurs, as itself or as the start of a word.
   */
  FeatureMatches search(FeatureSearch search);

  /**
   * Deletes a feature with its labels.
   *
   * @throws FeatureNotFoundException if it is not stored
   */
  void delete(FeatureId id);

  /**
   * Deletes all features of a dictionary.
   *
   * @return how many there were
   */
  long deleteAll(String dictionary);

  /**
   * Adds labels to features of one dictionary, or replaces those of the same name. All or nothing.
   *
   * @param labels no two with the same feature and name
   * @throws FeatureNotFoundException if a feature is not stored
   * @throws TooManyLabelsException if one would have more than {@link #MAX_LABELS} labels
   */
  void upsertLabels(String dictionary, List<LabelEntry> labels);

  /**
   * Deletes a label.
   *
   * @throws FeatureNotFoundException if the feature is not stored
   * @throws LabelNotFoundException if it has no such label
   */
  void deleteLabel(FeatureId id, String label);
}
