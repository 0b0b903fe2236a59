package dev.loupe.sae.publishing;

import dev.loupe.server.text.WholeText;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A stretch of text in which a feature fires.
 *
 * @param ids token ids
 * @param tokens what each stands for by itself
 * @param text what they stand for together
 * @param byteEnds where each ends in the text's UTF-8 form
 * @param values the feature's activation at each of them
 * @param peak index of the largest
 */
public record FeatureExample(
    List<Integer> ids,
    List<String> tokens,
    String text,
    List<Integer> byteEnds,
    List<Float> values,
    int peak) {

  /** Puts what a window of tokens stands for together. */
  static FeatureExample of(TopExamples.Window window, Map<Integer, VocabularyToken> vocabulary) {
    List<Integer> ids = new ArrayList<>(window.ids().length);
    List<VocabularyToken> tokens = new ArrayList<>(window.ids().length);
    List<Float> values = new ArrayList<>(window.ids().length);
    for (int i = 0; i < window.ids().length; i++) {
      ids.add(window.ids()[i]);
      tokens.add(vocabulary.get(window.ids()[i]));
      values.add(window.values()[i]);
    }
    WholeText whole = WholeText.of(tokens.stream().map(VocabularyToken::bytes).toList());
    return new FeatureExample(
        ids,
        tokens.stream().map(VocabularyToken::text).toList(),
        whole.text(),
        whole.byteEnds(),
        values,
        window.peak());
  }
}
