package dev.loupe.server;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Text whose words stay whole where lines are broken as Java's rules say, which break also behind
 * the dots and slashes of an address. Those stand as letters of a private area meanwhile.
 */
final class WholeWords {
  private static final String BREAKING = "./:-_#?";
  private static final char FIRST = '\uE000';
  private static final Pattern WORD = Pattern.compile("\\S{2,}");
  private static final Pattern VARIABLE = Pattern.compile(".*\\$\\{.*");

  private WholeWords() {}

  /** The lines with nothing in their words at which a line is broken. */
  static String[] join(String... lines) {
    String[] joined = new String[lines.length];
    for (int i = 0; i < lines.length; i++) {
      joined[i] =
          WORD.matcher(lines[i])
              .replaceAll(word -> Matcher.quoteReplacement(joinWord(word.group())));
    }
    return joined;
  }

  /** The text as it is read. */
  static String part(String text) {
    StringBuilder parted = new StringBuilder(text);
    for (int i = 0; i < parted.length(); i++) {
      int mark = parted.charAt(i) - FIRST;
      if (mark >= 0 && mark < BREAKING.length()) {
        parted.setCharAt(i, BREAKING.charAt(mark));
      }
    }
    return parted.toString();
  }

  private static String joinWord(String word) {
    // ${DEFAULT-VALUE} is filled in between.
    if (VARIABLE.matcher(word).matches()) {
      return word;
    }
    StringBuilder joined = new StringBuilder(word);
    for (int i = 0; i < joined.length(); i++) {
      int mark = BREAKING.indexOf(joined.charAt(i));
      if (mark >= 0) {
        joined.setCharAt(i, (char) (FIRST + mark));
      }
    }
    return joined.toString();
  }
}
