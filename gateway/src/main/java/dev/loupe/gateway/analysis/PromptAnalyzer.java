package dev.loupe.gateway.analysis;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/** Joins a model, a dictionary and the labels of its features into one look at a prompt. */
public final class PromptAnalyzer {
  private final Models models;
  private final Dictionaries dictionaries;
  private final Labels labels;

  /** Asks these three. */
  public PromptAnalyzer(Models models, Dictionaries dictionaries, Labels labels) {
    this.models = models;
    this.dictionaries = dictionaries;
    this.labels = labels;
  }

  /**
   * Looks at a prompt.
   *
   * @throws LoupeException MODEL_MISMATCH when the dictionary reads another model
   */
  public Analysis analyze(Question question) {
    DictionaryFacts dictionary = dictionaries.describe(question.dictionary());
    if (!dictionary.model().equals(question.model())
        && !models.areOne(question.model(), dictionary.model(), dictionary.modelSha256())) {
      throw LoupeException.of(
              ErrorReason.MODEL_MISMATCH,
              dictionary.name()
                  + " reads "
                  + dictionary.model()
                  + ", not "
                  + question.model()
                  + "; give a dictionary of that model")
          .with("dictionary", dictionary.name())
          .with("model", dictionary.model());
    }
    Pass pass =
        models.run(
            question.model(),
            question.prompt(),
            dictionary.hookPoint(),
            dictionary.width(),
            question.topPredictions());
    return new Analysis(
        tokens(question, dictionary.name(), pass), pass.predictions(), dictionary.hookPoint());
  }

  private List<AnalyzedToken> tokens(Question question, String dictionary, Pass pass) {
    List<List<LabelledFeature>> features = features(question, dictionary, pass.activations());
    List<AnalyzedToken> tokens = new ArrayList<>();
    for (int position = 0; position < pass.ids().size(); position++) {
      tokens.add(
          new AnalyzedToken(
              pass.ids().get(position),
              pass.tokens().get(position),
              position == 0 ? List.of() : features.get(position - 1)));
    }
    return tokens;
  }

  /** The features at each position from 1: dictionaries are not trained at position 0. */
  private List<List<LabelledFeature>> features(
      Question question, String dictionary, Activations activations) {
    if (activations.rows() < 2) {
      return List.of();
    }
    List<SparseFeatures> encoded = dictionaries.encode(dictionary, activations.withoutFirst());
    List<List<Integer>> strongest =
        encoded.stream().map(row -> row.strongest(question.topFeatures())).toList();
    SortedSet<Long> seen = new TreeSet<>();
    for (int row = 0; row < encoded.size(); row++) {
      for (int i : strongest.get(row)) {
        seen.add((long) encoded.get(row).indices()[i]);
      }
    }
    Map<Long, List<Label>> known = seen.isEmpty() ? Map.of() : labels.of(dictionary, seen);
    List<List<LabelledFeature>> labelled = new ArrayList<>();
    for (int row = 0; row < encoded.size(); row++) {
      SparseFeatures features = encoded.get(row);
      labelled.add(
          strongest.get(row).stream()
              .map(
                  i -> {
                    long feature = features.indices()[i];
                    return new LabelledFeature(
                        feature, features.values()[i], known.getOrDefault(feature, List.of()));
                  })
              .toList());
    }
    return labelled;
  }
}
