package dev.loupe.standalone.pretrain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.inference.pretraining.TrainingBatch;
import dev.loupe.inference.tokenizer.BpeTokenizer;
import dev.loupe.standalone.corpus.BpeTrainer;
import dev.loupe.standalone.corpus.CorpusGenerator;
import dev.loupe.standalone.corpus.LabelledDocument;
import dev.loupe.standalone.corpus.TokenizerFile;
import dev.loupe.standalone.corpus.TrainedBpe;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingRowsTest {
  private static final long SEED = 1;
  private static final int LENGTH = 128;

  private static CorpusGenerator corpus;
  private static BpeTokenizer tokenizer;
  private static int endOfText;

  @BeforeAll
  static void train(@TempDir Path folder) throws Exception {
    corpus = new CorpusGenerator(SEED);
    BpeTrainer trainer = new BpeTrainer();
    for (int i = 0; i < 1_000; i++) {
      trainer.add(corpus.document(i).text());
    }
    TrainedBpe bpe = trainer.train(1_500);
    TokenizerFile.write(bpe, folder.resolve("tokenizer.json"));
    tokenizer = BpeTokenizer.load(folder);
    endOfText = bpe.endOfText();
  }

  @Test
  void tokenizerGivesBackEveryDocumentAndLabelsFitItsTokens() {
    assertThat(tokenizer.size()).isEqualTo(endOfText + 1);
    for (int i = 0; i < 500; i++) {
      LabelledDocument document = corpus.document(i);
      var encoding = tokenizer.encode(document.text());
      assertThat(new String(tokenizer.decode(encoding.ids()), StandardCharsets.UTF_8))
          .isEqualTo(document.text());
      assertThat(document.labelsFor(encoding.byteEnds())).hasSize(encoding.ids().length);
    }
  }

  @Test
  void rowsAreFullAndBeginWithTheEndOfText() {
    TrainingRows rows = rows(0.25);
    for (int i = 0; i < 50; i++) {
      int[] row = rows.row(i);
      assertThat(row).hasSize(LENGTH);
      assertThat(row[0]).isEqualTo(endOfText);
      assertThat(Arrays.stream(row).max().getAsInt()).isLessThan(tokenizer.size());
    }
  }

  @Test
  void rowDependsOnItsIndexAlone() {
    assertThat(rows(0.25).batch(5, 3).rows())
        .isDeepEqualTo(new int[][] {rows(0.25).row(5), rows(0.25).row(6), rows(0.25).row(7)});
  }

  @Test
  void heldOutRowsAreOtherRows() {
    TrainingRows rows = rows(0);
    Set<List<Integer>> trained = new HashSet<>();
    for (int i = 0; i < 300; i++) {
      trained.add(Arrays.stream(rows.row(i)).boxed().toList());
    }
    assertThat(trained).hasSize(300);
    for (int i = 0; i < 300; i++) {
      assertThat(trained).doesNotContain(Arrays.stream(rows.heldOut(i)).boxed().toList());
    }
  }

  @Test
  void whatComesFirstInARandomSequenceIsNotAsked() {
    TrainingBatch text = rows(0).batch(0, 20);
    TrainingBatch repeats = rows(1).batch(0, 20);
    for (int r = 0; r < 20; r++) {
      assertThat(text.targets()[r]).doesNotContain(false);
      int[] row = repeats.rows()[r];
      for (int at = 1; at < 5; at++) { // the shortest period is 4
        assertThat(repeats.targets()[r][at]).isFalse();
      }
      int asked = 0;
      for (int at = 1; at < LENGTH; at++) {
        asked += repeats.targets()[r][at] && row[at] != endOfText ? 1 : 0;
      }
      assertThat(asked).isGreaterThanOrEqualTo(LENGTH / 4);
    }
  }

  @Test
  void shareOfRandomSequencesMayChangeOnTheWay() {
    TrainingRows rows = rows(new RepeatsShare(0, 1, 5));
    assertThat(rows.row(4)).isEqualTo(rows(0).row(4));
    assertThat(rows.row(5)).isEqualTo(rows(1).row(5));
  }

  @Test
  void shareOfRandomSequencesIsAsAsked() {
    assertThat(repeatedTokens(rows(0))).isLessThan(0.05);
    assertThat(repeatedTokens(rows(1))).isGreaterThan(0.4);
  }

  /**
   * The share of tokens after which comes what came after the token's last occurrence 4 or more
   * back.
   */
  private static double repeatedTokens(TrainingRows rows) {
    int repeated = 0;
    int total = 0;
    for (int i = 0; i < 50; i++) {
      int[] row = rows.row(i);
      for (int at = 8; at < LENGTH; at++) {
        boolean copied = false;
        for (int back = 4; at - back >= 3 && !copied; back++) {
          copied =
              Arrays.equals(row, at - 3, at + 1, row, at - 3 - back, at + 1 - back)
                  && tokenizer.bytes(row[at]).length > 0;
        }
        repeated += copied ? 1 : 0;
        total++;
      }
    }
    return (double) repeated / total;
  }

  private static TrainingRows rows(double repeatsShare) {
    return rows(RepeatsShare.of(repeatsShare));
  }

  private static TrainingRows rows(RepeatsShare repeatsShare) {
    return new TrainingRows(corpus, tokenizer, SEED, endOfText, LENGTH, repeatsShare);
  }
}
