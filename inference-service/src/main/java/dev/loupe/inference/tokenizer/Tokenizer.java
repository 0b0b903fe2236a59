package dev.loupe.inference.tokenizer;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Turns texts into token ids and back. Safe for use by several threads. */
public sealed interface Tokenizer permits BpeTokenizer, NoTokenizer {

  /**
   * Reads a folder's tokenizer; {@link NoTokenizer} where it has none.
   *
   * @throws TokenizerException when a file is malformed, is missing beside another, or is of a kind
   *     that is not GPT-2's
   */
  static Tokenizer load(Path folder) {
    return TokenizerFiles.present(folder) ? BpeTokenizer.load(folder) : new NoTokenizer(folder);
  }

  /**
   * The tokens of a text; special tokens that are written in it are found. Empty for an empty text.
   */
  default Encoding encode(String text) {
    return encode(text, false);
  }

  /**
   * The tokens of a text. An empty text has none.
   *
   * @param literal takes special tokens that are written in the text as the text they are
   * @throws UnencodableTextException when the vocabulary lacks a byte of the text, or the text
   *     holds half of a surrogate pair
   * @throws NoTokenizerException when there is none
   */
  Encoding encode(String text, boolean literal);

  /**
   * The fewest tokens that a text may have, found without looking for them: no token holds more
   * bytes than the longest.
   */
  int fewestTokens(String text);

  /** One more than the highest token id. */
  int size();

  /** The bytes that a token stands for; none for an id that no token has. */
  byte[] bytes(int id);

  /** What the files say of tokens that play a part. */
  SpecialTokens specialTokens();

  /** True for a token that was added to the vocabulary, such as the end of text. */
  boolean isAdded(int id);

  /** What a token stands for; U+FFFD shows a part of a character. */
  default String text(int id) {
    return new String(bytes(id), StandardCharsets.UTF_8);
  }

  /** The bytes that tokens stand for, put together. */
  default byte[] decode(int[] ids) {
    byte[][] pieces = new byte[ids.length][];
    int length = 0;
    for (int i = 0; i < ids.length; i++) {
      pieces[i] = bytes(ids[i]);
      length = Math.addExact(length, pieces[i].length);
    }
    byte[] all = new byte[length];
    int at = 0;
    for (byte[] piece : pieces) {
      System.arraycopy(piece, 0, all, at, piece.length);
      at += piece.length;
    }
    return all;
  }
}
