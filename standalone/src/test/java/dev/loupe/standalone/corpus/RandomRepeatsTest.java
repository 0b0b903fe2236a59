package dev.loupe.standalone.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.BitSet;
import org.junit.jupiter.api.Test;

class RandomRepeatsTest {
  private static final int VOCABULARY = 300;
  private static final int EXCLUDED = 17;
  private static final int LONGEST = 127;

  private final RandomRepeats repeats =
      new RandomRepeats(RandomRepeats.uniform(VOCABULARY, EXCLUDED), LONGEST);

  @Test
  void eachDocumentIsASequenceAndItsCopies() {
    int longPeriods = 0;
    for (int i = 0; i < 500; i++) {
      RandomRepeats.Repeats document = repeats.next(new SeededRandom(3, i));
      int[] ids = document.ids();
      int period = document.period();
      assertThat(period % period(ids)).isZero();
      assertThat(ids.length).isLessThanOrEqualTo(LONGEST);
      assertThat(period).isGreaterThanOrEqualTo(4);
      assertThat(ids.length).isGreaterThanOrEqualTo(2 * period);
      longPeriods += period >= 25 ? 1 : 0;
    }
    assertThat(longPeriods).isBetween(50, 150);
  }

  @Test
  void everyIdButTheExcludedOneIsDrawn() {
    BitSet seen = new BitSet();
    for (int i = 0; i < 500; i++) {
      for (int id : repeats.next(new SeededRandom(4, i)).ids()) {
        seen.set(id);
      }
    }
    assertThat(seen.cardinality()).isEqualTo(VOCABULARY - 1);
    assertThat(seen.get(EXCLUDED)).isFalse();
    assertThat(seen.length()).isEqualTo(VOCABULARY);
  }

  @Test
  void tooShortADocumentIsRefused() {
    assertThatThrownBy(() -> new RandomRepeats(random -> 0, 7))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 8");
  }

  private static int period(int[] ids) {
    for (int period = 1; period < ids.length; period++) {
      boolean fits = ids.length % period == 0;
      for (int i = period; fits && i < ids.length; i++) {
        fits = ids[i] == ids[i - period];
      }
      if (fits) {
        return period;
      }
    }
    return ids.length;
  }
}
