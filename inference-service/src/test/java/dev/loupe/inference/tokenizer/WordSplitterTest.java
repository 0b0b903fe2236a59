package dev.loupe.inference.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class WordSplitterTest {
  /** GPT-2's own expression: the slow and obvious way. */
  private static final Pattern WORDS =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          Pattern.UNICODE_CHARACTER_CLASS);

  @Test
  void cutsAsTheExpressionDoes() {
    String[] pieces = {
      " ",
      "  ",
      "\n",
      "\t",
      "a",
      "Zebra",
      "\u00e9",
      "1",
      "42",
      "\u00bd",
      "'",
      "'s",
      "'ll",
      "'re",
      "'",
      "!",
      "...",
      "\u4e2d",
      "\ud83d\ude00",
      "\u00a0",
      "\u3000",
      "_",
      "'v",
      "e"
    };
    SplittableRandom random = new SplittableRandom(11);
    for (int round = 0; round < 5_000; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(12); i >= 0; i--) {
        text.append(pieces[random.nextInt(pieces.length)]);
      }
      assertThat(words(text.toString())).isEqualTo(byExpression(text.toString()));
    }
  }

  private static List<String> words(String text) {
    List<String> words = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      int end = WordSplitter.wordEnd(text, at, text.length());
      words.add(text.substring(at, end));
      at = end;
    }
    return words;
  }

  private static List<String> byExpression(String text) {
    List<String> words = new ArrayList<>();
    Matcher matcher = WORDS.matcher(text);
    while (matcher.find()) {
      words.add(matcher.group());
    }
    return words;
  }
}
