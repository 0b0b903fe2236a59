package dev.loupe.sae.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusPassTest {
  private static final BatchPlan PLAN = BatchPlan.forWidth(8);
  @TempDir Path root;

  @Test
  void aSampleLiesEvenlyAmongTheRowsOfThePass() {
    try (Corpus corpus = corpus(1_000, 10)) {
      assertThat(rows(CorpusPass.sample(corpus, PLAN, 0, 1_000)))
          .hasSize(100)
          .startsWith(0L, 10L, 20L)
          .endsWith(990L);
      assertThat(rows(CorpusPass.sample(corpus, PLAN, 99, 300))).hasSize(25).endsWith(96L);
    }
  }

  @Test
  void aSampleOfAFewRowsIsAllOfThem() {
    try (Corpus corpus = corpus(3, 10)) {
      assertThat(rows(CorpusPass.sample(corpus, PLAN, 0, 1_000))).containsExactly(0L, 1L, 2L);
      assertThat(rows(CorpusPass.sample(corpus, PLAN, 0, 1))).containsExactly(0L);
      assertThat(rows(new CorpusPass(corpus, PLAN, 2))).containsExactly(0L, 1L);
    }
  }

  private Corpus corpus(int rows, int length) {
    List<int[]> all = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      all.add(new int[length]);
    }
    return CorpusFixture.open(root, "c" + rows, all);
  }

  private static List<Long> rows(CorpusPass pass) {
    long announced = pass.totalRows();
    List<Long> rows = new ArrayList<>();
    while (pass.hasNext()) {
      rows.addAll(pass.next().rowNumbers());
    }
    assertThat(rows).hasSize((int) announced);
    return rows;
  }
}
