package dev.loupe.inference.tokenizer;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Which code points are letters, numbers, white space and parts of words, as Hugging Face's
 * tokenizers class them (Unicode 16.0). The JDK's own tables are another edition in every release,
 * with which token ids would change.
 */
final class CodePoints {
  private static final String FILE = "code-points.txt";

  private static final int LETTER = 1;
  private static final int NUMBER = 2;
  private static final int SPACE = 4;
  private static final int WORD = 8;

  /** By code point; those beyond the last are in no class. */
  private static final byte[] CLASSES = read();

  private CodePoints() {}

  /** General categories Lu, Ll, Lt, Lm and Lo. */
  static boolean isLetter(int point) {
    return is(point, LETTER);
  }

  /** General categories Nd, Nl and No. */
  static boolean isNumber(int point) {
    return is(point, NUMBER);
  }

  /** Unicode's White_Space, all of it in the basic plane. */
  static boolean isWhiteSpace(int point) {
    return is(point, SPACE);
  }

  /** Unicode's word characters (UTS 18, annex C): letters, marks, digits, connectors, joiners. */
  static boolean isWord(int point) {
    return is(point, WORD);
  }

  private static boolean is(int point, int kind) {
    return point < CLASSES.length && (CLASSES[point] & kind) != 0;
  }

  private static byte[] read() {
    byte[] classes = new byte[Character.MAX_CODE_POINT + 1];
    int last = 0;
    try (InputStream in = CodePoints.class.getResourceAsStream(FILE);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          last = Math.max(last, mark(line.split(" "), classes));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + FILE, e);
    }
    return Arrays.copyOf(classes, last + 1);
  }

  /** Reads a line: the class, then ranges; gives the highest code point of it. */
  private static int mark(String[] words, byte[] classes) {
    int kind =
        switch (words[0]) {
          case "letter" -> LETTER;
          case "number" -> NUMBER;
          case "space" -> SPACE;
          case "word" -> WORD;
          default -> throw new IllegalStateException(FILE + " has no class " + words[0]);
        };
    int last = 0;
    for (int i = 1; i < words.length; i++) {
      int dash = words[i].indexOf('-');
      int from = Integer.parseInt(dash < 0 ? words[i] : words[i].substring(0, dash), 16);
      last = dash < 0 ? from : Integer.parseInt(words[i].substring(dash + 1), 16);
      for (int point = from; point <= last; point++) {
        classes[point] |= (byte) kind;
      }
    }
    return last;
  }
}
