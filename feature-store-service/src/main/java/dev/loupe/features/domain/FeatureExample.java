package dev.loupe.features.domain;

import java.util.List;

/**
 * A stretch of text in which a feature fires.
 *
 * @param tokens what each token stands for by itself
 * @param values the feature's activation at each token
 * @param peak index of the token where it fires most
 * @param ids token ids; none where they are not known
 * @param text what the tokens stand for together; empty where it is not known
 * @param byteEnds where each token ends in the text's UTF-8 form; none without text
 */
public record FeatureExample(
    List<String> tokens,
    List<Float> values,
    int peak,
    List<Integer> ids,
    String text,
    List<Integer> byteEnds) {
  public FeatureExample {
    tokens = List.copyOf(tokens);
    values = List.copyOf(values);
    ids = List.copyOf(ids);
    byteEnds = List.copyOf(byteEnds);
  }

  /** The text to search: the whole one, or the tokens one after another where it is not known. */
  public String searched() {
    return text.isEmpty() ? String.join("", tokens) : text;
  }
}
