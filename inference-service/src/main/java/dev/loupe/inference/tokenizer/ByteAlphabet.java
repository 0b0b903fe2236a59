package dev.loupe.inference.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;

/**
 * GPT-2's spelling of bytes as printable characters, in which vocabularies are written: the
 * printable bytes of Latin-1 stand for themselves, the other 68 for the characters from U+0100 on.
 */
final class ByteAlphabet {
  private static final int CHARACTERS = 256 + 68;

  private final char[] spelling = new char[256];
  private final short[] meaning = new short[CHARACTERS];

  ByteAlphabet() {
    Arrays.fill(meaning, (short) -1);
    char next = 256;
    for (int value = 0; value < 256; value++) {
      boolean printable =
          (value >= '!' && value <= '~')
              || (value >= 0xA1 && value <= 0xAC)
              || (value >= 0xAE && value <= 0xFF);
      char character = printable ? (char) value : next++;
      spelling[value] = character;
      meaning[character] = (short) value;
    }
  }

  /** The one-character token that stands for a byte. */
  String spell(int value) {
    return String.valueOf(spelling[value]);
  }

  /** The lowest byte that is no token of its own, or -1. */
  int firstMissing(Set<String> tokens) {
    for (int value = 0; value < spelling.length; value++) {
      if (!tokens.contains(spell(value))) {
        return value;
      }
    }
    return -1;
  }

  /** The bytes that a token stands for; a token with foreign characters stands for itself. */
  byte[] bytes(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char character = token.charAt(i);
      int value = character < CHARACTERS ? meaning[character] : -1;
      if (value < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }
}
