package dev.loupe.inference.weights;

import static dev.loupe.inference.weights.DenseHeads.norm;
import static dev.loupe.inference.weights.DenseHeads.times;
import static dev.loupe.inference.weights.DenseHeads.trace;
import static dev.loupe.inference.weights.DenseHeads.transposed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.RandomModel;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.testkit.golden.GoldenAssert;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Scores of weights against golden values, and against whole matrices multiplied out in double; to
 * 1e-4 of the largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WeightsTest {
  // d_head is 2, so that two traces give the eigenvalues; the unembedding is a table of its own.
  private static final GptConfig SHAPE =
      new GptConfig(3, 6, 12, 20, 9, 31, 1e-5, Activation.GELU_TANH, false, true, false, -1, -1);

  private final Spectra spectra = new Spectra();
  private RandomModel random;
  private DenseHeads dense;
  private NDManager scope;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    random = new RandomModel(folder, SHAPE, 5);
    dense = new DenseHeads(SHAPE, random::weight);
    scope = random.loaded().newScope();
  }

  @AfterAll
  void close() {
    scope.close();
    random.close();
    spectra.close();
  }

  /** [L1, H1, L2, H2]. */
  private float[] composition(HookedTransformer model, Composition.Kind kind) {
    int layers = model.config().layers();
    int heads = model.config().heads();
    Composition composition = new Composition(model, spectra, kind);
    float[] all = new float[layers * heads * layers * heads];
    for (int earlier = 0; earlier < layers; earlier++) {
      NDArray written = composition.written(scope, earlier);
      for (int later = earlier + 1; later < layers; later++) {
        float[] scores = composition.scores(scope, written, later);
        for (int head = 0; head < heads; head++) {
          int to = ((earlier * heads + head) * layers + later) * heads;
          System.arraycopy(scores, head * heads, all, to, heads);
        }
      }
    }
    return all;
  }

  @ParameterizedTest
  @EnumSource(Composition.Kind.class)
  void compositionIsTheGoldenOne(Composition.Kind kind, @TempDir Path folder) throws Exception {
    try (TinyModel tiny = new TinyModel(folder)) {
      GoldenAssert.assertClose(
          "composition/" + kind,
          composition(tiny.transformer(), kind),
          tiny.golden().tensor("composition/" + kind));
    }
  }

  @ParameterizedTest
  @EnumSource(Composition.Kind.class)
  void compositionIsThatOfTheWholeMatrices(Composition.Kind kind) {
    double[] expected = new double[18 * 18];
    for (int i = 0; i < 18; i++) {
      for (int j = 0; j < 18; j++) {
        if (i / 6 < j / 6) {
          double[][] left = dense.ov(i / 6, i % 6);
          double[][] right =
              switch (kind) {
                case Q -> dense.qk(j / 6, j % 6);
                case K -> transposed(dense.qk(j / 6, j % 6));
                case V -> dense.ov(j / 6, j % 6);
              };
          expected[i * 18 + j] = norm(times(left, right)) / (norm(left) * norm(right));
        }
      }
    }
    GoldenAssert.assertClose(
        "composition", composition(random.transformer(), kind), expected, 1e-4);
  }

  @Test
  void headsThatWriteNothingComposeWithNone() {
    try (NDManager own = scope.newSubManager()) {
      NDArray nothing = own.zeros(new Shape(6, 2, 12));
      float[] scores =
          new Composition(random.transformer(), spectra, Composition.Kind.V)
              .scores(own, nothing, 2);
      assertThat(scores).containsOnly(0f).hasSize(36);
    }
  }

  @ParameterizedTest
  @EnumSource(Copying.Circuit.class)
  void copyingIsThatOfTheWholeCircuit(Copying.Circuit circuit) {
    Copying copying = new Copying(random.transformer(), spectra, circuit);
    List<NDArray> middle = copying.middle(scope);
    boolean negative = false;
    boolean turning = false;
    for (int layer = 0; layer < 3; layer++) {
      double[] scores = copying.scores(scope, middle, layer);
      assertThat(scores).hasSize(6);
      for (int head = 0; head < 6; head++) {
        double[][] whole = circuit(circuit, layer, head);
        // Two eigenvalues are not zero: their sum is the trace, that of their squares the square's.
        double sum = trace(whole);
        double squares = trace(times(whole, whole));
        double discriminant = 2 * squares - sum * sum;
        double magnitudes =
            discriminant < 0
                ? 2 * Math.sqrt((sum * sum - squares) / 2)
                : Math.abs(sum + Math.sqrt(discriminant)) / 2
                    + Math.abs(sum - Math.sqrt(discriminant)) / 2;
        assertThat(scores[head]).isCloseTo(sum / magnitudes, offset(1e-4));
        negative |= scores[head] < 0;
        turning |= discriminant < 0;
      }
    }
    assertThat(negative).isTrue();
    assertThat(turning).isTrue();
  }

  private double[][] circuit(Copying.Circuit circuit, int layer, int head) {
    double[][] embedding = dense.embedding();
    return switch (circuit) {
      case OV -> times(times(embedding, dense.ov(layer, head)), dense.unembedding());
      case QK -> times(times(embedding, dense.qk(layer, head)), transposed(embedding));
      case OV_RESIDUAL -> dense.ov(layer, head);
      case QK_RESIDUAL -> dense.qk(layer, head);
    };
  }

  @ParameterizedTest
  @EnumSource(SingularDirections.Matrix.class)
  void singularDirectionsAreThoseOfTheWholeMatrix(SingularDirections.Matrix matrix) {
    SingularDirections directions = new SingularDirections(random.transformer(), spectra);
    double[][] whole =
        switch (matrix) {
          case OV -> dense.ov(1, 4);
          case QK -> dense.qk(1, 4);
          case MLP_IN -> dense.matrix("h.1.mlp.c_fc.weight", 20);
          case MLP_OUT -> dense.matrix("h.1.mlp.c_proj.weight", 12);
        };
    int rank = directions.most(matrix);
    assertThat(rank).isEqualTo(matrix.ordinal() < 2 ? 2 : 12);
    SingularDirections.Found found = directions.find(scope, matrix, 1, 4, rank);
    // All of the matrix's size is in its singular values ...
    double squares = 0;
    for (int i = 0; i < rank; i++) {
      squares += (double) found.values()[i] * found.values()[i];
      assertThat(i == 0 || found.values()[i] <= found.values()[i - 1]).isTrue();
    }
    double size = norm(whole);
    assertThat(Math.sqrt(squares)).isCloseTo(size, offset(1e-4 * size));
    // ... and it turns each direction into as much of the other side's.
    assertThat(found.input().isPresent()).isEqualTo(matrix != SingularDirections.Matrix.MLP_OUT);
    assertThat(found.output().isPresent()).isEqualTo(matrix != SingularDirections.Matrix.MLP_IN);
    found.input().ifPresent(side -> check(side, found.values(), times(whole, transposed(whole))));
    found.output().ifPresent(side -> check(side, found.values(), times(transposed(whole), whole)));
    if (matrix == SingularDirections.Matrix.OV || matrix == SingularDirections.Matrix.QK) {
      double[][] written = times(row(found.input().orElseThrow(), 0), whole);
      for (int i = 0; i < 12; i++) {
        assertThat(written[0][i])
            .isCloseTo(found.values()[0] * found.output().orElseThrow()[i], offset(1e-4 * size));
      }
    }
    double[] first = row(found.input().or(found::output).orElseThrow(), 0)[0];
    assertThat(Arrays.stream(first).max().orElseThrow())
        .isGreaterThan(-Arrays.stream(first).min().orElseThrow());
    // Fewer directions are the first of all.
    SingularDirections.Found one = directions.find(scope, matrix, 1, 4, 1);
    assertThat(one.values()).containsExactly(found.values()[0]);
  }

  private static double[][] row(float[] directions, int index) {
    double[][] row = new double[1][12];
    for (int i = 0; i < 12; i++) {
      row[0][i] = directions[index * 12 + i];
    }
    return row;
  }

  /** Unit eigenvectors of a symmetric matrix. */
  private static void check(float[] directions, float[] values, double[][] square) {
    double bound = 1e-4 * values[0] * values[0];
    for (int index = 0; index < values.length; index++) {
      double[][] direction = row(directions, index);
      assertThat(norm(direction)).isCloseTo(1, offset(1e-5));
      double[][] moved = times(direction, square);
      for (int i = 0; i < 12; i++) {
        assertThat(moved[0][i])
            .isCloseTo(values[index] * values[index] * direction[0][i], offset(bound));
      }
    }
  }
}
