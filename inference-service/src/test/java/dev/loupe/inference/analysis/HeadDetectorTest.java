package dev.loupe.inference.analysis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.testkit.golden.GoldenAssert;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Head scores against golden values to 1e-4 of the largest, and against TransformerLens's
 * definition written out over golden patterns.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HeadDetectorTest {
  private static final int HEADS = 4;
  private static final int WIDTH = 17;

  private TinyModel tiny;
  private NDManager scope;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    tiny = new TinyModel(folder);
    scope = tiny.loaded().newScope();
  }

  @AfterAll
  void close() {
    scope.close();
    tiny.close();
  }

  private List<Head> allHeads() {
    return Head.all(tiny.transformer().config());
  }

  private double[] score(int[] row, HeadScorer scorer, List<Head> heads) {
    return new HeadDetector(tiny.transformer()).score(scope, row, scorer, heads, PassControl.NONE);
  }

  private float[] meanScores(HeadScorer scorer) {
    float[] mean = new float[allHeads().size()];
    for (int[] row : tiny.rows()) {
      double[] scores = score(row, scorer, allHeads());
      for (int i = 0; i < mean.length; i++) {
        mean[i] += (float) (scores[i] / tiny.rows().length);
      }
    }
    return mean;
  }

  @ParameterizedTest
  @EnumSource(HeadPattern.class)
  void overlapIsTheGoldenOne(HeadPattern pattern) {
    String name = pattern.name().toLowerCase(Locale.ROOT) + "_head";
    GoldenAssert.assertClose(
        name,
        meanScores(HeadScoring.OVERLAP.against(pattern)),
        tiny.golden().tensor("heads/" + name));
    HeadScoring excluding = new HeadScoring(HeadScoring.Measure.OVERLAP, true, true);
    GoldenAssert.assertClose(
        name, meanScores(excluding.against(pattern)), tiny.golden().tensor("heads_excl/" + name));
  }

  @ParameterizedTest
  @EnumSource(HeadScoring.Measure.class)
  void everyExclusionWithAWeightedMaskIsTheDefinition(HeadScoring.Measure measure) {
    Random random = new Random(3);
    float[] mask = new float[WIDTH * WIDTH];
    for (int query = 0; query < WIDTH; query++) {
      for (int key = 0; key <= query; key++) {
        mask[query * WIDTH + key] = random.nextFloat();
      }
    }
    for (int bits = 0; bits < 4; bits++) {
      HeadScoring scoring = new HeadScoring(measure, bits % 2 == 1, bits / 2 == 1);
      double[] actual =
          score(tiny.rows()[1], scoring.against(new CustomPattern(WIDTH, mask)), allHeads());
      for (int i = 0; i < actual.length; i++) {
        assertThat(actual[i]).isCloseTo(slow(i / HEADS, i % HEADS, mask, scoring), offset(1.1e-3));
        if (measure == HeadScoring.Measure.OVERLAP) {
          assertThat(actual[i]).isCloseTo(slow(i / HEADS, i % HEADS, mask, scoring), offset(1e-5));
        }
      }
    }
  }

  /** The definition, one matrix at a time, on the golden pattern of row 1. */
  private double slow(int layer, int head, float[] mask, HeadScoring scoring) {
    double[] golden = tiny.golden().tensor("run/blocks." + layer + ".attn.hook_pattern").values();
    int from = (HEADS + head) * WIDTH * WIDTH;
    double[] attention = Arrays.copyOfRange(golden, from, from + WIDTH * WIDTH);
    double[] difference = new double[attention.length];
    double[] product = new double[attention.length];
    for (int i = 0; i < attention.length; i++) {
      difference[i] = Math.abs(attention[i] - mask[i]);
      product[i] = attention[i] * mask[i];
    }
    for (double[] matrix : List.of(attention, difference, product)) {
      for (int i = 0; i < WIDTH; i++) {
        if (scoring.excludeBos()) {
          matrix[i * WIDTH] = 0;
        }
        if (scoring.excludeCurrentToken()) {
          matrix[i * WIDTH + i] = 0;
        }
      }
    }
    return scoring.measure() == HeadScoring.Measure.OVERLAP
        ? Arrays.stream(product).sum() / Arrays.stream(attention).sum()
        : 1 - Arrays.stream(difference).average().orElseThrow() * WIDTH;
  }

  @Test
  void absoluteMeasureOfAPerfectHeadIsOneMinusItsFirstRow() {
    int[] tokens = {5, 6, 7, 8};
    float[] attention = new float[16];
    attention[0] = 1; // position 0 can only see itself
    for (int q = 1; q < 4; q++) {
      attention[q * 4 + q - 1] = 1;
    }
    assertThat(absolute(false, false, tokens, attention)).isEqualTo(0.75);
    assertThat(absolute(false, true, tokens, attention)).isEqualTo(1);
    // What is excluded is no difference either: query 1 rightly looks at position 0.
    assertThat(absolute(true, false, tokens, attention)).isEqualTo(1);
  }

  private static double absolute(
      boolean excludeBos, boolean excludeCurrent, int[] tokens, float[] attention) {
    return new HeadScoring(HeadScoring.Measure.ABSOLUTE, excludeBos, excludeCurrent)
        .against(HeadPattern.PREVIOUS_TOKEN)
        .on(tokens)
        .applyAsDouble(attention);
  }

  @Test
  void someHeadsScoreAsTheyDoAmongAll() {
    HeadScorer scorer = HeadScoring.OVERLAP.against(HeadPattern.PREVIOUS_TOKEN);
    double[] all = score(tiny.rows()[0], scorer, allHeads());
    double[] some =
        score(tiny.rows()[0], scorer, List.of(new Head(1, 3), new Head(0, 2), new Head(1, 0)));
    assertThat(some).containsExactly(new double[] {all[7], all[2], all[4]}, offset(1e-6));
  }

  @Test
  void inductionScoreReadsTheDiagonalAfterTheEarlierCopy() {
    RepeatedRandomTokens source = new RepeatedRandomTokens(6, 3, 11);
    List<int[]> rows = source.rows(tiny.transformer().config(), 210, Set.of(210));
    assertThat(rows).hasSize(3).allSatisfy(row -> assertThat(row).hasSize(13));
    HookPoint point = HookPoint.of(HookKind.PATTERN, 1);
    var program = HookProgram.builder(tiny.transformer().config()).capture(point).build();
    for (int[] row : rows) {
      assertThat(row[0]).isEqualTo(210);
      assertThat(Arrays.copyOfRange(row, 7, 13)).isEqualTo(Arrays.copyOfRange(row, 1, 7));
      var result =
          tiny.transformer()
              .forward(scope, TokenBatch.of(row), ForwardOptions.plain().with(program));
      double expected = 0;
      for (int query = 7; query < 13; query++) {
        int earlierCopy = query - 6;
        expected += result.capture(point).getFloat(0, 2, query, earlierCopy + 1) / 6.0;
      }
      double[] scores = score(row, source.inductionScorer(), allHeads());
      assertThat(scores[HEADS + 2]).isCloseTo(expected, offset(1e-6));
    }
  }

  @Test
  void refusesMasksAndRowsThatDoNotFit() {
    assertThatThrownBy(() -> new CustomPattern(2, new float[3])).hasMessageContaining("2 x 2");
    assertThatThrownBy(() -> new CustomPattern(2, new float[] {1, 0.5f, 0, 1}))
        .hasMessageContaining("0.5 at [0, 1]");
    assertThatThrownBy(() -> new CustomPattern(2, new float[] {1, 0, Float.NaN, 1}))
        .hasMessageContaining("NaN at [1, 0]");
    HeadScorer scorer = HeadScoring.OVERLAP.against(new CustomPattern(2, new float[] {1, 0, 0, 1}));
    assertThatThrownBy(() -> score(new int[] {1, 2, 3}, scorer, allHeads()))
        .hasMessageContaining("for 2 tokens; the row has 3");
    assertThatThrownBy(
            () ->
                new RepeatedRandomTokens(30, 1, 0).rows(tiny.transformer().config(), 210, Set.of()))
        .hasMessageContaining("holds 48");
  }
}
