package dev.loupe.standalone.corpus;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.List;

/**
 * A text and the concepts of its stretches. Stretches may overlap: one word can belong to several
 * concepts, most belong to none.
 *
 * @param text the document
 * @param spans labelled stretches, in order of their end
 */
public record LabelledDocument(String text, List<Span> spans) {
  public LabelledDocument {
    spans = List.copyOf(spans);
  }

  /**
   * The concepts of each token: those of every labelled stretch that the token shares a byte with.
   *
   * @param tokenByteEnds for each token, one past its last byte in the UTF-8 text; ascending, the
   *     last is the length of the text in bytes
   * @return for each token the ids of its concepts, [tokens]
   * @throws IllegalArgumentException if the ends do not cover the text
   */
  public BitSet[] labelsFor(int[] tokenByteEnds) {
    int bytes = text.getBytes(StandardCharsets.UTF_8).length;
    int last = tokenByteEnds.length == 0 ? 0 : tokenByteEnds[tokenByteEnds.length - 1];
    if (last != bytes) {
      throw new IllegalArgumentException(
          "the tokens end at byte " + last + ", the document at byte " + bytes);
    }
    BitSet[] labels = new BitSet[tokenByteEnds.length];
    int start = 0;
    for (int token = 0; token < labels.length; token++) {
      labels[token] = new BitSet();
      int end = tokenByteEnds[token];
      for (Span span : spans) {
        if (span.start() < end && start < span.end()) {
          labels[token].set(span.concept());
        }
      }
      start = end;
    }
    return labels;
  }
}
