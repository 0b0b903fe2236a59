package dev.loupe.sae.publishing;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.sae.dictionary.SparseFeatures;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class TopExamplesTest {
  private static final int BOS = 0;

  @Test
  void rowsOfTheSameTokensCountOnce() {
    TopExamples examples = new TopExamples(1, 3);
    for (int row = 0; row < 20; row++) {
      add(examples, row, new int[] {BOS, 5, 6}, 0, 9);
    }
    add(examples, 20, new int[] {BOS, 5, 7}, 3, 0);
    add(examples, 21, new int[] {BOS, 8, 6}, 0, 4);
    assertThat(rows(examples)).containsExactly(0L, 21L, 20L);
  }

  @Test
  void ofTheSameTokensTheStrongestIsKept() {
    TopExamples examples = new TopExamples(1, 2);
    add(examples, 0, new int[] {BOS, 5, 6}, 0, 3);
    add(examples, 1, new int[] {BOS, 9, 9}, 0, 4);
    add(examples, 2, new int[] {BOS, 5, 6}, 0, 5);
    assertThat(rows(examples)).containsExactly(2L, 1L);
  }

  @Test
  void rowsThatDifferOutsideTheWindowOnlyCountOnce() {
    TopExamples examples = new TopExamples(1, 2);
    for (int row = 0; row < 3; row++) {
      int[] ids = new int[200];
      Arrays.fill(ids, 4);
      ids[1] = 10 + row;
      float[] values = new float[199];
      values[150] = 2;
      add(examples, row, ids, values);
    }
    assertThat(rows(examples)).containsExactly(0L);
  }

  private static List<Long> rows(TopExamples examples) {
    return examples.of(0).stream().map(TopExamples.Window::row).toList();
  }

  /** Adds a row at which feature 0 has these values from position 1 on. */
  private static void add(TopExamples examples, long row, int[] ids, float... values) {
    int[] offsets = new int[values.length + 1];
    for (int i = 0; i < values.length; i++) {
      offsets[i + 1] = offsets[i] + (values[i] > 0 ? 1 : 0);
    }
    float[] above = new float[offsets[values.length]];
    for (int i = 0, at = 0; i < values.length; i++) {
      if (values[i] > 0) {
        above[at++] = values[i];
      }
    }
    examples.add(row, ids, new SparseFeatures(offsets, new int[above.length], above), 0);
  }
}
