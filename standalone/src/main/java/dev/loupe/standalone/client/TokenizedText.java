package dev.loupe.standalone.client;

import java.util.List;

/**
 * A text's tokens.
 *
 * @param ids [tokens]
 * @param tokens what each stands for, [tokens]
 * @param byteEnds where each ends in the text's UTF-8 form, [tokens]
 */
public record TokenizedText(int[] ids, List<String> tokens, int[] byteEnds) {
  public TokenizedText {
    tokens = List.copyOf(tokens);
  }
}
