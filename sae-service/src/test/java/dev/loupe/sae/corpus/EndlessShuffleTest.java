package dev.loupe.sae.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.sae.SaeClient;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EndlessShuffleTest {
  private static final BatchPlan PLAN = new BatchPlan(7, 100);
  @TempDir Path root;

  @Test
  void eachPassTakesEveryRowOnceInAnOrderOfItsOwn() {
    try (Corpus corpus = CorpusFixture.open(root, "c", SaeClient.randomRows(53, 2))) {
      EndlessShuffle shuffle = new EndlessShuffle(corpus, PLAN, 5, 0);
      List<Long> first = take(shuffle, 53);
      List<Long> second = take(shuffle, 53);
      assertThat(first)
          .containsExactlyInAnyOrderElementsOf(LongStream.range(0, 53).boxed().toList());
      assertThat(second).containsExactlyInAnyOrderElementsOf(first).isNotEqualTo(first);
      assertThat(take(new EndlessShuffle(corpus, PLAN, 6, 0), 53)).isNotEqualTo(first);
    }
  }

  @Test
  void goesOnFromAnyBatchWithTheSameBatches() {
    try (Corpus corpus = CorpusFixture.open(root, "c", SaeClient.randomRows(53, 2))) {
      EndlessShuffle whole = new EndlessShuffle(corpus, PLAN, 5, 0);
      for (int i = 0; i < 40; i++) {
        TokenBatch expected = whole.next();
        TokenBatch resumed = new EndlessShuffle(corpus, PLAN, 5, expected.firstRow()).next();
        assertThat(resumed.rowNumbers()).isEqualTo(expected.rowNumbers());
        assertThat(expected.rows().size()).isLessThanOrEqualTo(7);
        assertThat(expected.rows().size() * expected.longest()).isLessThanOrEqualTo(100);
      }
    }
  }

  @Test
  void onePassKeepsTheOrderOfTheCorpus() {
    try (Corpus corpus = CorpusFixture.open(root, "c", SaeClient.randomRows(53, 2))) {
      List<Long> rows = new ArrayList<>();
      CorpusPass pass = new CorpusPass(corpus, PLAN, 20);
      pass.forEachRemaining(batch -> rows.addAll(batch.rowNumbers()));
      assertThat(rows).isEqualTo(LongStream.range(0, 20).boxed().toList());
    }
  }

  private static List<Long> take(EndlessShuffle shuffle, int rows) {
    List<Long> taken = new ArrayList<>();
    while (taken.size() < rows) {
      taken.addAll(shuffle.next().rowNumbers());
    }
    assertThat(taken).hasSize(rows);
    return taken;
  }
}
