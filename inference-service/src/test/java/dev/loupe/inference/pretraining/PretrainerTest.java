package dev.loupe.inference.pretraining;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.TokenLosses;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LoadedModel;
import dev.loupe.inference.model.ModelLoader;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.tensor.SafetensorsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PretrainerTest {
  private static final GptConfig CONFIG = GptConfig.gpt2(2, 2, 32, 16, 23, 0);
  private static final PretrainOptions OPTIONS = PretrainOptions.of(60, 60, 1e-2, 7);

  /**
   * Rows in which each token is the one before it plus a step that the row's first two tokens show.
   */
  private static TrainingBatch batch(int step) {
    return TrainingBatch.of(rows(step));
  }

  private static int[][] rows(int step) {
    Random random = new Random(step);
    int[][] rows = new int[8][17];
    for (int[] row : rows) {
      row[0] = random.nextInt(23);
      int stride = 1 + random.nextInt(3);
      for (int i = 1; i < row.length; i++) {
        row[i] = (row[i - 1] + stride) % 23;
      }
    }
    return rows;
  }

  @Test
  void learnsAPattern() {
    List<StepReport> reports = new ArrayList<>();
    try (Pretrainer trainer = new Pretrainer(CONFIG, OPTIONS)) {
      trainer.train(PretrainerTest::batch, reports::add);
    }
    assertThat(reports).hasSize(60);
    assertThat(reports.get(0).loss()).isBetween(2.8f, 3.5f); // ln 23 is 3.14
    assertThat(reports.get(59).loss()).isLessThan(1.2f);
    assertThat(reports.get(59).step()).isEqualTo(60);
  }

  @Test
  void resumedRunEndsWithTheSameBytesAsAnUninterruptedOne(@TempDir Path folder) throws IOException {
    Path straight = folder.resolve("straight");
    Path resumed = folder.resolve("resumed");
    Path checkpoint = folder.resolve("checkpoint.safetensors");
    PretrainOptions options = PretrainOptions.of(12, 8, 1e-2, 7);
    try (Pretrainer trainer = new Pretrainer(CONFIG, options)) {
      trainer.train(PretrainerTest::batch, report -> {});
      trainer.saveModel(straight);
    }
    try (Pretrainer trainer = new Pretrainer(CONFIG, options)) {
      for (int step = 0; step < 5; step++) {
        trainer.step(batch(step));
      }
      trainer.saveCheckpoint(checkpoint);
    }
    try (Pretrainer trainer = new Pretrainer(CONFIG, options)) {
      trainer.restoreCheckpoint(checkpoint);
      assertThat(trainer.step()).isEqualTo(5);
      trainer.train(PretrainerTest::batch, report -> {});
      trainer.saveModel(resumed);
    }
    assertThat(Files.mismatch(model(straight), model(resumed))).isEqualTo(-1);
  }

  private static Path model(Path folder) {
    return folder.resolve("model.safetensors");
  }

  @Test
  void savedModelGivesTheLossThatTheTrainerSaw(@TempDir Path folder) throws IOException {
    int[][] rows = rows(99);
    float expected;
    try (Pretrainer trainer = new Pretrainer(CONFIG, OPTIONS)) {
      trainer.step(batch(0));
      expected = trainer.evaluate(TrainingBatch.of(rows));
      trainer.saveModel(folder);
    }
    try (LoadedModel model = ModelLoader.load(folder);
        NDManager scope = model.newScope()) {
      assertThat(model.config()).isEqualTo(CONFIG);
      TokenBatch batch = TokenBatch.of(inputs(rows));
      var logits =
          model.transformer().forward(scope, batch, ForwardOptions.plain()).requireLogits();
      double sum = 0;
      int count = 0;
      for (float[] row : TokenLosses.of(logits, batch)) {
        for (float loss : row) {
          sum += loss;
          count++;
        }
      }
      // The trainer predicts one token more of each row than these inputs hold.
      assertThat(sum / count).isCloseTo(expected, org.assertj.core.data.Offset.offset(0.2));
      assertThat(count).isEqualTo(8 * 15);
    }
  }

  private static int[][] inputs(int[][] rows) {
    int[][] inputs = new int[rows.length][];
    for (int r = 0; r < rows.length; r++) {
      inputs[r] = Arrays.copyOf(rows[r], 16);
    }
    return inputs;
  }

  @Test
  void firstAdamStepMovesEachWeightByTheLearningRate(@TempDir Path folder) throws IOException {
    // With zero moments the corrected update is gradient / |gradient|, so a weight without decay
    // and
    // with a gradient well above epsilon moves by the rate of the step.
    PretrainOptions options =
        new PretrainOptions(10, 10, 1e-3, 1e-3, 0, 0.9, 0.95, 1e-12, 0, 1e9, 3);
    Path before = folder.resolve("before.safetensors");
    Path after = folder.resolve("after.safetensors");
    ParameterLayout layout = new ParameterLayout(CONFIG);
    try (Pretrainer trainer = new Pretrainer(CONFIG, options)) {
      trainer.saveCheckpoint(before);
      trainer.step(batch(0));
      trainer.saveCheckpoint(after);
    }
    float[] old = TrainingCheckpoint.load(before, CONFIG.toJson(), layout.size()).weights();
    float[] moved = TrainingCheckpoint.load(after, CONFIG.toJson(), layout.size()).weights();
    ParameterLayout.Slot slot = layout.slot("h.0.mlp.c_fc.bias");
    int unmoved = 0;
    for (int i = slot.offset(); i < slot.offset() + slot.size(); i++) {
      double change = Math.abs(moved[i] - old[i]);
      if (Math.abs(change - 1e-3) > 2e-5) {
        unmoved++;
      }
    }
    assertThat(unmoved).isZero();
  }

  @Test
  void refusesACheckpointOfAnotherModel(@TempDir Path folder) throws IOException {
    Path checkpoint = folder.resolve("checkpoint.safetensors");
    try (Pretrainer trainer = new Pretrainer(CONFIG, OPTIONS)) {
      trainer.saveCheckpoint(checkpoint);
    }
    GptConfig other = GptConfig.gpt2(2, 4, 32, 16, 23, 0);
    try (Pretrainer trainer = new Pretrainer(other, OPTIONS)) {
      assertThatThrownBy(() -> trainer.restoreCheckpoint(checkpoint))
          .isInstanceOf(SafetensorsException.class)
          .hasMessageContaining("another model");
      assertThat(trainer.step()).isZero();
    }
  }

  @Test
  void tokensThatAreNoTargetsLeaveTheLossAlone() {
    int[][] rows = rows(3);
    boolean[][] firstHalf = new boolean[rows.length][17];
    int[][] cut = new int[rows.length][];
    for (int r = 0; r < rows.length; r++) {
      Arrays.fill(firstHalf[r], 0, 9, true);
      cut[r] = Arrays.copyOf(rows[r], 9);
    }
    try (Pretrainer trainer = new Pretrainer(CONFIG, OPTIONS)) {
      float masked = trainer.evaluate(new TrainingBatch(rows, firstHalf));
      assertThat(masked)
          .isCloseTo(
              trainer.evaluate(TrainingBatch.of(cut)), org.assertj.core.data.Offset.offset(1e-5f));
      assertThat(masked)
          .isNotCloseTo(
              trainer.evaluate(TrainingBatch.of(rows)), org.assertj.core.data.Offset.offset(1e-5f));
    }
  }

  @Test
  void refusesRowsOfDifferentLengths() {
    assertThatThrownBy(() -> TrainingBatch.of(new int[][] {{1, 2, 3}, {1, 2}}))
        .hasMessageContaining("row 1 has 2 tokens");
  }

  @Test
  void learningRateRisesAndFallsToItsEnd() {
    PretrainOptions options = PretrainOptions.of(1000, 1000, 1e-3, 1);
    assertThat(options.learningRateAt(0)).isLessThan(2e-4);
    assertThat(options.learningRateAt(10)).isEqualTo(1e-3);
    assertThat(options.learningRateAt(505)).isBetween(5.4e-4, 5.6e-4);
    assertThat(options.learningRateAt(999)).isBetween(1e-4, 1.01e-4);
  }

  @Test
  void learningRateStartsAnewAtTheRestart() {
    PretrainOptions whole = PretrainOptions.of(1000, 1000, 1e-3, 1);
    PretrainOptions restarted = PretrainOptions.of(1500, 1000, 1e-3, 1);
    for (int step : new int[] {0, 10, 505, 999}) {
      assertThat(restarted.learningRateAt(step)).isEqualTo(whole.learningRateAt(step));
    }
    assertThat(restarted.learningRateAt(1000)).isLessThan(2e-4);
    assertThat(restarted.learningRateAt(1010)).isEqualTo(1e-3);
    assertThat(restarted.learningRateAt(1499)).isBetween(1e-4, 1.01e-4);
  }
}
