package dev.loupe.inference.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CodePointsTest {
  /** Of one byte for each code point: 1 letter, 2 number, 4 space, 8 word, added up. */
  private static final String DIGEST =
      "5ccfea46b308f4b3b00d6507b0a823a94097d9a22d0e608d97b36715ec7189bd";

  @Test
  void areWhatTheTokenizersLibraryTakesThemForOnEveryJdk() throws NoSuchAlgorithmException {
    byte[] classes = new byte[Character.MAX_CODE_POINT + 1];
    for (int point = 0; point < classes.length; point++) {
      classes[point] =
          (byte)
              ((CodePoints.isLetter(point) ? 1 : 0)
                  + (CodePoints.isNumber(point) ? 2 : 0)
                  + (CodePoints.isWhiteSpace(point) ? 4 : 0)
                  + (CodePoints.isWord(point) ? 8 : 0));
    }

    assertThat(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(classes)))
        .isEqualTo(DIGEST);
    assertThat(count(CodePoints::isLetter)).isEqualTo(141_028);
    assertThat(count(CodePoints::isNumber)).isEqualTo(1_911);
    assertThat(count(CodePoints::isWhiteSpace)).isEqualTo(25);
    assertThat(count(CodePoints::isWord)).isEqualTo(144_667);
  }

  private static long count(IntPredicate kind) {
    return IntStream.rangeClosed(0, Character.MAX_CODE_POINT).filter(kind).count();
  }

  /** JDK 17 has Unicode 13, to which these are no letters and no number; JDK 25 has Unicode 16. */
  @Test
  void aLetterOfALaterUnicodeKeepsItsWordOnAnEarlierJdk() {
    int kawi = 0x11F04; // Unicode 15
    int todhri = 0x105C0; // Unicode 16
    int kawiDigit = 0x11F50;
    for (int point : new int[] {kawi, todhri}) {
      String text = Character.toString(point) + "'s";
      assertThat(WordSplitter.wordEnd(text, 0, text.length())).isEqualTo(2);
      String word = "a" + Character.toString(point);
      assertThat(WordSplitter.wordEnd(word, 0, word.length())).isEqualTo(3);
    }
    String number = "1" + Character.toString(kawiDigit);
    assertThat(WordSplitter.wordEnd(number, 0, number.length())).isEqualTo(3);
  }
}
