package dev.loupe.standalone.demo;

import java.util.BitSet;
import java.util.List;

/**
 * A row of a model's input.
 *
 * @param ids token ids, [pos]; the first is the beginning-of-text token
 * @param tokens what each stands for, [pos]
 * @param labels the concepts of each token, [pos]; empty sets where the text has no labels
 */
record TextRow(int[] ids, List<String> tokens, List<BitSet> labels) {
  TextRow {
    tokens = List.copyOf(tokens);
    labels = List.copyOf(labels);
  }
}
