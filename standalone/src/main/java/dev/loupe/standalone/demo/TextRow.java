package dev.loupe.standalone.demo;

import com.google.protobuf.ByteString;
import java.util.BitSet;
import java.util.List;

/**
 * A row of a model's input.
 *
 * @param ids token ids, [pos]; the first is the beginning-of-text token
 * @param tokens what each stands for, [pos]
 * @param bytes the part of the text's UTF-8 form that each covers, [pos]; it may be part of a
 *     character
 * @param labels the concepts of each token, [pos]; empty sets where the text has no labels
 */
record TextRow(int[] ids, List<String> tokens, List<ByteString> bytes, List<BitSet> labels) {
  TextRow {
    tokens = List.copyOf(tokens);
    bytes = List.copyOf(bytes);
    labels = List.copyOf(labels);
  }
}
