package dev.loupe.standalone.corpus;

import java.nio.charset.StandardCharsets;

/**
 * GPT-2's way to write bytes as printable characters: bytes that print stand for themselves, the
 * others for the code points from 256 up, in order.
 */
final class ByteAlphabet {
  private static final int BYTES = 256;
  private static final char[] CHARACTERS = new char[BYTES];

  static {
    char next = BYTES;
    for (int b = 0; b < BYTES; b++) {
      CHARACTERS[b] = prints(b) ? (char) b : next++;
    }
  }

  private ByteAlphabet() {}

  /** The text's UTF-8 bytes, one character each. */
  static String encode(String text) {
    StringBuilder encoded = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      encoded.append(CHARACTERS[b & 0xFF]);
    }
    return encoded.toString();
  }

  /** The 256 characters in the order of their ids: those that stand for themselves come first. */
  static String[] inIdOrder() {
    String[] tokens = new String[BYTES];
    int id = 0;
    for (boolean printing : new boolean[] {true, false}) {
      for (int b = 0; b < BYTES; b++) {
        if (prints(b) == printing) {
          tokens[id++] = String.valueOf(CHARACTERS[b]);
        }
      }
    }
    return tokens;
  }

  private static boolean prints(int b) {
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
  }
}
