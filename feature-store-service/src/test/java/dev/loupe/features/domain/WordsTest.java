package dev.loupe.features.domain;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
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
        "ΟΔΟΣ οδός;οδοσ οδόσ",
        "ﬁne Ⅳ;fine iv",
        "北京 is 2 words;北 京 is 2 words",
        "हिन्दी;हिन्दी",
        "a a A;a",
        "'?! \uD83E\uDD9C';"
      })
  void splitsAndFolds(String text, String words) {
    assertThat(String.join(" ", Words.of(text))).isEqualTo(words == null ? "" : words);
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
        assertThat(List.copyOf(Words.of(word)).get(0)).isEqualTo(word);
      }
    }
  }
}
