package dev.loupe.inference.generation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PenaltiesTest {

  private static float[] applied(Penalties penalties) {
    SeenTokens seen = new SeenTokens(4);
    seen.add(1);
    seen.add(3);
    seen.add(3);
    float[] logits = {9, 9, 9, 9, 2, 3, -1, -4, 9};
    penalties.apply(logits, 4, seen);
    return logits;
  }

  @Test
  void positiveLogitsAreDividedAndNegativeOnesMultiplied() {
    assertThat(applied(new Penalties(2, 0, 0))).containsExactly(9, 9, 9, 9, 2, 1.5f, -1, -8, 9);
  }

  @Test
  void frequencyCountsAndPresenceDoesNot() {
    assertThat(applied(new Penalties(1, 0.5, 0.25)))
        .containsExactly(9, 9, 9, 9, 2, 2.25f, -1, -5.25f, 9);
    assertThat(applied(new Penalties(2, 0.5, 0)))
        .as("repetition first")
        .containsExactly(9, 9, 9, 9, 2, 1, -1, -9, 9);
  }

  @Test
  void noneChangesNothing() {
    assertThat(Penalties.NONE.areNone()).isTrue();
    assertThat(applied(Penalties.NONE)).containsExactly(9, 9, 9, 9, 2, 3, -1, -4, 9);
  }

  @Test
  void everyTokenOfALongTextIsSeen() {
    SeenTokens seen = new SeenTokens(500);
    for (int i = 0; i < 1000; i++) {
      seen.add(i % 500);
    }
    assertThat(seen.distinct()).isEqualTo(500);
    assertThat(seen.count(499)).isEqualTo(2);
  }
}
