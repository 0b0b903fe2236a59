package dev.loupe.features.domain;

import java.lang.Character.UnicodeScript;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * Splits text into the words that searches compare, so that every database finds the same features.
 *
 * <p>A word is a run of letters, digits and combining marks, {@linkplain Folding folded}; one that
 * is longer than {@value #MAX_WORD_LENGTH} code points counts as its first {@value
 * #MAX_WORD_LENGTH}. Scripts that put no spaces between words, and emoji, have no such runs: every
 * character of theirs is a word, and so is every pair of neighbours, which lets a search find any
 * part of a run.
 */
public final class Words {

  /** Code points of a word that count. */
  public static final int MAX_WORD_LENGTH = 64;

  private static final Set<UnicodeScript> UNSPACED =
      Set.of(
          UnicodeScript.HAN,
          UnicodeScript.HIRAGANA,
          UnicodeScript.KATAKANA,
          UnicodeScript.THAI,
          UnicodeScript.LAO,
          UnicodeScript.KHMER,
          UnicodeScript.MYANMAR);

  // These stand with both kana, so they belong to neither script.
  private static final int PROLONGED_SOUND_MARK = 0x30fc;
  private static final int VOICED_SOUND_MARK = 0x3099;
  private static final int SEMI_VOICED_SOUND_MARK = 0x309a;

  private final Set<String> words;
  private final boolean searched;
  private final StringBuilder word = new StringBuilder();
  private int length;
  private int previous = -1;
  private boolean paired;

  private Words(Set<String> words, boolean searched) {
    this.words = words;
    this.searched = searched;
  }

  /** The distinct words of a text that is searched, in the order of their first occurrence. */
  public static Set<String> of(String text) {
    Set<String> words = new LinkedHashSet<>();
    addTo(words, text);
    return words;
  }

  /** Adds the words of a text that is searched. */
  public static void addTo(Set<String> words, String text) {
    new Words(words, true).split(text);
  }

  /**
   * The distinct words that a text must have where a search for this one finds it: those of {@link
   * #of}, but no character that is part of a pair.
   */
  public static Set<String> asked(String query) {
    Set<String> words = new LinkedHashSet<>();
    new Words(words, false).split(query);
    return words;
  }

  private void split(String text) {
    Folding.fold(text).codePoints().forEach(this::next);
    endWord();
    endRun();
  }

  private void next(int c) {
    if (isUnspaced(c)) {
      endWord();
      addToRun(c);
    } else {
      endRun();
      if (isMark(c) || Character.isLetterOrDigit(c)) {
        if (length++ < MAX_WORD_LENGTH) {
          word.appendCodePoint(c);
        }
      } else {
        endWord();
      }
    }
  }

  private void addToRun(int c) {
    if (searched) {
      words.add(Character.toString(c));
    }
    if (previous >= 0) {
      words.add(Character.toString(previous) + Character.toString(c));
      paired = true;
    }
    previous = c;
  }

  private void endRun() {
    if (previous >= 0 && !paired) {
      words.add(Character.toString(previous));
    }
    previous = -1;
    paired = false;
  }

  private void endWord() {
    if (!word.isEmpty()) {
      words.add(word.toString());
      word.setLength(0);
    }
    length = 0;
  }

  private static boolean isUnspaced(int c) {
    if (Character.getType(c) == Character.OTHER_SYMBOL) {
      // Emoji among them; the last two of the plane stand for what is not there.
      return c != 0xfffc && c != 0xfffd;
    }
    return Character.isIdeographic(c)
        || c == PROLONGED_SOUND_MARK
        || c == VOICED_SOUND_MARK
        || c == SEMI_VOICED_SOUND_MARK
        || (UNSPACED.contains(UnicodeScript.of(c)) && (Character.isLetterOrDigit(c) || isMark(c)));
  }

  private static boolean isMark(int c) {
    int type = Character.getType(c);
    return type == Character.NON_SPACING_MARK || type == Character.COMBINING_SPACING_MARK;
  }
}
