package dev.loupe.inference.tokenizer;

import java.util.Arrays;

/** Tokens as they are found, with the place in the text where each ends. */
final class TokenList {
  private int[] ids;
  private int[] ends;
  private int size;
  private int bytes;
  private boolean skipNextByte;

  TokenList(int expected) {
    ids = new int[expected];
    ends = new int[expected];
  }

  /** The next token's first byte is a space that was put before the text and is no part of it. */
  void skipNextByte() {
    skipNextByte = true;
  }

  /** What comes next stands so many bytes into the text. */
  void moveTo(int place) {
    bytes = place;
    skipNextByte = false;
  }

  void add(int id, int width) {
    if (size == ids.length) {
      ids = Arrays.copyOf(ids, size * 2);
      ends = Arrays.copyOf(ends, size * 2);
    }
    bytes += skipNextByte ? width - 1 : width;
    skipNextByte = false;
    ids[size] = id;
    // A token may take white space along that a later one stands in; places never go back.
    ends[size] = size == 0 ? bytes : Math.max(ends[size - 1], bytes);
    size++;
  }

  /** How many bytes of the text have tokens. */
  int bytes() {
    return bytes;
  }

  Encoding toEncoding() {
    return new Encoding(Arrays.copyOf(ids, size), Arrays.copyOf(ends, size));
  }
}
