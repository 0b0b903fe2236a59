package dev.loupe.features.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WordsTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "The capital of Texas, is Austin.;the capital of texas is austin",
        "x86_64 don't;x86 64 don t",
        "ΟΔΟΣ οδός;οδοσ",
        "Café CAFE\u0301 Łódź Straße Ærø İı;cafe lodz strasse aero ii",
        "Ёлка й;елка и",
        "ﬁne Ⅳ;fine iv",
        "北京 is a pair;北 京 北京 is a pair",
        "ガラス;ガ ラ ガラ ス ラス",
        "ﾗｰﾒﾝ;ラ ー ラー メ ーメ ン メン",
        "ภาษา;ภ า ภา ษ าษ ษา",
        "हिन्दी;हिन्दी",
        "a a A;a",
        "'?! \uD83E\uDD9C \uFFFD\uFFFC';\uD83E\uDD9C",
        "❤\uFE0F❤;❤ ❤❤"
      })
  void splitsAndFolds(String text, String words) {
    assertThat(String.join(" ", Words.of(text))).isEqualTo(words == null ? "" : words);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "北;北",
        "北京;北京",
        "北京市 x;北京 京市 x",
        "ラーメン食べたい;ラー ーメ メン ン食 食べ べた たい",
        "CAFÉ, please;cafe please",
        "北 京;北 京",
        "'';''"
      })
  void asksForPairsWhereThereAreSome(String query, String words) {
    assertThat(String.join(" ", Words.asked(query))).isEqualTo(words);
    assertThat(Words.of("x " + query + " y")).containsAll(Words.asked(query));
  }

  @Test
  void aWordCountsUpToItsLimit() {
    assertThat(Words.of("x".repeat(1_000))).containsExactly("x".repeat(Words.MAX_WORD_LENGTH));
  }

  @Test
  void everyWordOfAnyTextIsAWordOfItsOwn() {
    Random random = new Random(7);
    for (int round = 0; round < 2_000; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < 30; i++) {
        int c = random.nextInt(4) > 0 ? random.nextInt(0x600) : random.nextInt(0x30000);
        text.appendCodePoint(Character.getType(c) == Character.SURROGATE ? ' ' : c);
      }
      for (String word : Words.of(text.toString())) {
        assertThat(word).isNotEmpty().doesNotContainAnyWhitespaces();
        assertThat(word.chars().filter(c -> c < 128).allMatch(Character::isLetterOrDigit)).isTrue();
        assertThat(Words.of(word)).contains(word);
        assertThat(Words.asked(word)).containsExactly(word);
      }
    }
  }
}
