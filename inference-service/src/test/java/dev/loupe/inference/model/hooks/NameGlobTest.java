package dev.loupe.inference.model.hooks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class NameGlobTest {
  @Test
  void matchesAsTheExpressionDoes() {
    SplittableRandom random = new SplittableRandom(1);
    for (int round = 0; round < 20_000; round++) {
      String pattern = word(random, "ab*", 6);
      String name = word(random, "ab", 8);
      boolean expected = Pattern.matches(pattern.replace("*", ".*"), name);
      assertThat(NameGlob.matches(pattern, name)).as(pattern + " " + name).isEqualTo(expected);
    }
  }

  private static String word(SplittableRandom random, String letters, int most) {
    StringBuilder word = new StringBuilder();
    for (int i = random.nextInt(most + 1); i > 0; i--) {
      word.append(letters.charAt(random.nextInt(letters.length())));
    }
    return word.toString();
  }
}
