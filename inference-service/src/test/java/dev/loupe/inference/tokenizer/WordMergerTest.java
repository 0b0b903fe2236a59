package dev.loupe.inference.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class WordMergerTest {
  @Test
  void theHeapGivesWhatTheScanGives() {
    SplittableRandom random = new SplittableRandom(2);
    for (int round = 0; round < 2_000; round++) {
      WordMerger merger = new WordMerger(randomMerges(random));
      int[] symbols = random.ints(random.nextInt(1, 120), 0, 4).toArray();
      int[] byScan = symbols.clone();
      int[] byHeap = symbols.clone();

      int left = merger.mergeByScan(byScan, byScan.length);

      assertThat(merger.mergeByHeap(byHeap, byHeap.length)).isEqualTo(left);
      assertThat(Arrays.copyOf(byHeap, left)).isEqualTo(Arrays.copyOf(byScan, left));
    }
  }

  private static MergeTable randomMerges(SplittableRandom random) {
    MergeTable merges = new MergeTable(40);
    for (int rank = 0; rank < 40; rank++) {
      int known = 4 + rank;
      merges.add(random.nextInt(known), random.nextInt(known), rank, known);
    }
    return merges;
  }
}
