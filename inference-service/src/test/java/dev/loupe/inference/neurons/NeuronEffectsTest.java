package dev.loupe.inference.neurons;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.analysis.VocabularyProjection;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.RandomModel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Effects and neighbours against plain loops in double and a full sort. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NeuronEffectsTest {
  private static final int D = 12;
  private static final int MLP = 20;
  private static final int VOCABULARY = 31;
  private static final GptConfig SHAPE =
      new GptConfig(2, 3, D, MLP, 9, VOCABULARY, 1e-5, Activation.RELU, false, true, false, -1, -1);

  private RandomModel random;
  private NDManager scope;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    random = new RandomModel(folder, SHAPE, 8);
    scope = random.loaded().newScope();
  }

  @AfterAll
  void close() {
    scope.close();
    random.close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aNeuronsEffectIsItsOutputTimesTheUnembedding(boolean throughNorm) {
    VocabularyProjection projection =
        throughNorm
            ? VocabularyProjection.throughFinalNorm(random.transformer())
            : new VocabularyProjection(random.transformer());
    List<VocabularyProjection.Ends> ends =
        new NeuronEffects(random.transformer(), projection).of(scope, 1, List.of(19, 4), 5);
    assertThat(ends).hasSize(2);
    for (int i = 0; i < 2; i++) {
      double[] logits = logits(new int[] {19, 4}[i], throughNorm);
      Integer[] order = order(logits);
      for (int k = 0; k < 5; k++) {
        VocabularyProjection.TokenLogit top = ends.get(i).top().get(k);
        VocabularyProjection.TokenLogit bottom = ends.get(i).bottom().get(k);
        assertThat(top.id()).isEqualTo(order[k]);
        assertThat((double) top.logit()).isCloseTo(logits[order[k]], offset(1e-4));
        assertThat(bottom.id()).isEqualTo(order[VOCABULARY - 1 - k]);
        assertThat((double) bottom.logit())
            .isCloseTo(logits[order[VOCABULARY - 1 - k]], offset(1e-4));
      }
    }
  }

  private double[] logits(int neuron, boolean throughNorm) {
    double[] out = random.weight("h.1.mlp.c_proj.weight"); // [d_mlp, d_model]
    double[] direction = Arrays.copyOfRange(out, neuron * D, (neuron + 1) * D);
    if (throughNorm) {
      double mean = Arrays.stream(direction).average().orElseThrow();
      for (int i = 0; i < D; i++) {
        direction[i] = (direction[i] - mean) * random.weight("ln_f.weight")[i];
      }
    }
    return times("lm_head.weight", direction);
  }

  private double[] times(String table, double[] direction) {
    double[] products = new double[VOCABULARY];
    for (int id = 0; id < VOCABULARY; id++) {
      for (int i = 0; i < D; i++) {
        products[id] += random.weight(table)[id * D + i] * direction[i];
      }
    }
    return products;
  }

  /** Indices by descending value. */
  private static Integer[] order(double[] values) {
    return IntStream.range(0, values.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> -values[i]))
        .toArray(Integer[]::new);
  }

  @ParameterizedTest
  @CsvSource({
    "TOKEN, COSINE, wte.weight",
    "TOKEN, DOT, wte.weight",
    "UNEMBEDDING, COSINE, lm_head.weight",
    "UNEMBEDDING, DOT, lm_head.weight"
  })
  void nearestIsWhatAFullSortPutsFirst(
      EmbeddingTable table, NearestTokens.Similarity similarity, String name) {
    NearestTokens nearest = new NearestTokens(random.transformer(), table, similarity);
    float[] query = nearest.vector(scope, 3);
    float[] other = nearest.vector(scope, 17);
    double[] wide = new double[D];
    for (int i = 0; i < D; i++) {
      query[i] -= 2 * other[i];
      wide[i] = query[i];
    }
    double[] expected = times(name, wide);
    if (similarity == NearestTokens.Similarity.COSINE) {
      for (int id = 0; id < VOCABULARY; id++) {
        double[] row = Arrays.copyOfRange(random.weight(name), id * D, (id + 1) * D);
        expected[id] /= length(row) * length(wide);
      }
    }
    List<Integer> order =
        Arrays.stream(order(expected)).filter(id -> id != 3 && id != 17).limit(6).toList();
    List<NearestTokens.Near> found = nearest.find(scope, query, 6, Set.of(3, 17));
    assertThat(found).extracting(NearestTokens.Near::id).isEqualTo(order);
    for (NearestTokens.Near near : found) {
      assertThat((double) near.similarity()).isCloseTo(expected[near.id()], offset(1e-5));
    }
    assertThat(nearest.find(scope, query, 100, Set.of())).hasSize(VOCABULARY);
  }

  private static double length(double[] vector) {
    return Math.sqrt(Arrays.stream(vector).map(x -> x * x).sum());
  }

  @Test
  void refusesWhatIsNotThere() {
    NeuronEffects effects =
        new NeuronEffects(random.transformer(), new VocabularyProjection(random.transformer()));
    assertThatThrownBy(() -> effects.of(scope, 0, List.of(20), 1))
        .hasMessageContaining("neuron 20 of layer 0; expected 0 to 19");
    NearestTokens nearest =
        new NearestTokens(
            random.transformer(), EmbeddingTable.TOKEN, NearestTokens.Similarity.COSINE);
    assertThatThrownBy(() -> nearest.find(scope, new float[D], 1, Set.of()))
        .hasMessageContaining("is zero");
  }
}
