package dev.loupe.inference.generation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HeldTextTest {

  @Test
  void lettersThatMayBeginAStopWait() {
    HeldText text = new HeldText(List.of("stop", "top!"));
    assertThat(text.push("go st")).isEqualTo("go ");
    assertThat(text.push("o")).isEmpty();
    assertThat(text.push("ny s")).isEqualTo("stony ");
    assertThat(text.push("top!")).isEmpty();
    assertThat(text.isStopped()).isTrue();
    assertThat(text.finish()).isEmpty();
  }

  @Test
  void whatWaitsAtTheEndGoesOut() {
    HeldText text = new HeldText(List.of("stop"));
    assertThat(text.push("a st")).isEqualTo("a ");
    assertThat(text.finish()).isEqualTo("st");
    assertThat(text.isStopped()).isFalse();
  }

  /**
   * The whole text so far, looked through after each piece: it ends before the first stop string.
   */
  @Test
  void randomTextsEndBeforeTheFirstStop() {
    Random random = new Random(2);
    for (int round = 0; round < 2_000; round++) {
      List<String> stops = new ArrayList<>();
      for (int i = random.nextInt(4); i > 0; i--) {
        stops.add(word(random, 1 + random.nextInt(4)));
      }
      HeldText held = new HeldText(stops);
      StringBuilder out = new StringBuilder();
      StringBuilder whole = new StringBuilder();
      int end = -1;
      for (int piece = 0; piece < 12 && end < 0; piece++) {
        String next = word(random, random.nextInt(4));
        whole.append(next);
        out.append(held.push(next));
        end = stops.stream().mapToInt(whole::indexOf).filter(at -> at >= 0).min().orElse(-1);
        assertThat(held.isStopped()).isEqualTo(end >= 0);
        assertThat(whole).startsWith(out);
      }
      out.append(held.finish());
      assertThat(out.toString()).isEqualTo(end < 0 ? whole.toString() : whole.substring(0, end));
    }
  }

  private static String word(Random random, int length) {
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < length; i++) {
      word.append((char) ('a' + random.nextInt(2)));
    }
    return word.toString();
  }
}
