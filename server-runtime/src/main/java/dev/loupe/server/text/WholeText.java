package dev.loupe.server.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The text that tokens stand for together. Characters whose bytes lie in several tokens are whole
 * in it; bytes that are no part of a character, as at the ends of a row that was cut, give one
 * U+FFFD for each run of them.
 *
 * @param text the text
 * @param byteEnds where each token ends in its UTF-8 form, which may be inside a character; none
 *     without text
 */
public record WholeText(String text, List<Integer> byteEnds) {
  private static final String REPLACEMENT = "\ufffd";
  private static final int REPLACEMENT_BYTES = 3;

  /** Puts the bytes of tokens together. */
  public static WholeText of(List<byte[]> tokens) {
    byte[] bytes = joined(tokens);
    StringBuilder text = new StringBuilder(bytes.length);
    // Where the text ends after each byte.
    int[] ends = new int[bytes.length];
    int end = 0;
    boolean replaced = false;
    for (int at = 0; at < bytes.length; ) {
      int length = characterLength(bytes, at);
      if (length == 0) {
        if (!replaced) {
          text.append(REPLACEMENT);
          end += REPLACEMENT_BYTES;
        }
        replaced = true;
        ends[at++] = end;
      } else {
        replaced = false;
        if (length == 1) {
          text.append((char) bytes[at]);
        } else {
          text.append(new String(bytes, at, length, StandardCharsets.UTF_8));
        }
        for (int i = 0; i < length; i++) {
          ends[at++] = ++end;
        }
      }
    }
    return new WholeText(text.toString(), tokenEnds(tokens, ends));
  }

  private static List<Integer> tokenEnds(List<byte[]> tokens, int[] ends) {
    if (ends.length == 0) {
      return List.of();
    }
    List<Integer> tokenEnds = new ArrayList<>(tokens.size());
    int at = 0;
    for (byte[] token : tokens) {
      at += token.length;
      tokenEnds.add(at == 0 ? 0 : ends[at - 1]);
    }
    return tokenEnds;
  }

  private static byte[] joined(List<byte[]> tokens) {
    byte[] bytes = new byte[tokens.stream().mapToInt(token -> token.length).sum()];
    int at = 0;
    for (byte[] token : tokens) {
      System.arraycopy(token, 0, bytes, at, token.length);
      at += token.length;
    }
    return bytes;
  }

  /** Bytes of the character that begins here; 0 when none does. */
  private static int characterLength(byte[] bytes, int at) {
    int first = bytes[at] & 0xff;
    if (first < 0x80) {
      return 1;
    }
    int length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    if (length == 0 || at + length > bytes.length) {
      return 0;
    }
    byte[] alone = Arrays.copyOfRange(bytes, at, at + length);
    String text = new String(alone, StandardCharsets.UTF_8);
    return Arrays.equals(text.getBytes(StandardCharsets.UTF_8), alone) ? length : 0;
  }
}
