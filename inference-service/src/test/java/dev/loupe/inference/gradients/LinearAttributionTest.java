package dev.loupe.inference.gradients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import dev.loupe.testkit.golden.GoldenFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * The rows of a golden attribution graph, computed elsewhere in float64, from linear attributions
 * and the dictionaries' vectors. Float32 results are held to 1e-4 of the graph's largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LinearAttributionTest {
  private static final int D = 32;
  private static final int FEATURES = 48;
  private static final int VOCABULARY = 211;

  private final GoldenFile graph = Golden.file("attribution.safetensors");
  private TinyModel tiny;
  private NDManager scope;
  private int[] tokens;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    tiny = new TinyModel(folder);
    scope = tiny.loaded().newScope();
    tokens = graph.tensor("tokens").ints();
  }

  @AfterAll
  void close() {
    scope.close();
    tiny.close();
  }

  private static HookPoint point(HookKind kind, int layer) {
    return new HookPoint(kind, layer);
  }

  private SortedSet<HookPoint> sources() {
    SortedSet<HookPoint> sources = new TreeSet<>();
    sources.add(point(HookKind.EMBED, -1));
    for (int layer = 0; layer < 3; layer++) {
      sources.add(point(HookKind.MLP_OUT, layer));
    }
    return sources;
  }

  /** What each node of the graph writes, and where: features, errors, tokens. */
  private record Writer(HookPoint point, int position, double[] vector) {}

  private List<Writer> writers() {
    List<Writer> writers = new ArrayList<>();
    int[] features = graph.tensor("active_features").ints();
    double[] activations = graph.tensor("feature_activations").values();
    double[][] errors = mlpOut();
    for (int layer = 0; layer < 3; layer++) {
      for (int position = 0; position < tokens.length; position++) {
        double[] bias = graph.tensor("transcoder/" + layer + "/b_dec").values();
        for (int i = 0; i < D; i++) {
          errors[layer][position * D + i] -= bias[i];
        }
      }
    }
    for (int n = 0; n < activations.length; n++) {
      int layer = features[3 * n];
      int position = features[3 * n + 1];
      double[] decoder = graph.tensor("transcoder/" + layer + "/W_dec").values();
      double[] vector = new double[D];
      for (int i = 0; i < D; i++) {
        vector[i] = activations[n] * decoder[features[3 * n + 2] * D + i];
        errors[layer][position * D + i] -= vector[i];
      }
      writers.add(new Writer(point(HookKind.MLP_OUT, layer), position, vector));
    }
    int[] errorNodes = graph.tensor("error_nodes").ints();
    for (int n = 0; n < errorNodes.length / 2; n++) {
      int layer = errorNodes[2 * n];
      int position = errorNodes[2 * n + 1];
      double[] vector =
          java.util.Arrays.copyOfRange(errors[layer], position * D, (position + 1) * D);
      writers.add(new Writer(point(HookKind.MLP_OUT, layer), position, vector));
    }
    double[] wte = weights("wte.weight");
    for (int position = 0; position < tokens.length; position++) {
      double[] vector =
          java.util.Arrays.copyOfRange(wte, tokens[position] * D, (tokens[position] + 1) * D);
      writers.add(new Writer(point(HookKind.EMBED, -1), position, vector));
    }
    return writers;
  }

  private double[][] mlpOut() {
    HookProgram.Builder program = HookProgram.builder(tiny.loaded().config());
    for (int layer = 0; layer < 3; layer++) {
      program.capture(point(HookKind.MLP_OUT, layer));
    }
    ForwardResult pass =
        tiny.transformer()
            .forward(scope, TokenBatch.of(tokens), ForwardOptions.plain().with(program.build()));
    double[][] values = new double[3][];
    for (int layer = 0; layer < 3; layer++) {
      float[] flat = NdArrays.floats(pass.capture(point(HookKind.MLP_OUT, layer)));
      values[layer] = new double[flat.length];
      for (int i = 0; i < flat.length; i++) {
        values[layer][i] = flat[i];
      }
    }
    return values;
  }

  private static double[] weights(String name) {
    return Golden.file("gpt2-tiny/model.safetensors").tensor(name).values();
  }

  /** Features read the MLP's input, logits the unembedding's. */
  private List<LinearTarget> targets() {
    List<LinearTarget> targets = new ArrayList<>();
    int[] features = graph.tensor("active_features").ints();
    for (int n = 0; n < features.length / 3; n++) {
      int layer = features[3 * n];
      double[] encoder = graph.tensor("transcoder/" + layer + "/W_enc").values();
      float[] vector = new float[D];
      for (int i = 0; i < D; i++) {
        vector[i] = (float) encoder[i * FEATURES + features[3 * n + 2]];
      }
      targets.add(new LinearTarget(point(HookKind.LN2_OUT, layer), features[3 * n + 1], vector));
    }
    double[] unembedding = weights("wte.weight");
    double[] mean = new double[D];
    for (int i = 0; i < unembedding.length; i++) {
      mean[i % D] += unembedding[i] / VOCABULARY;
    }
    for (int token : graph.tensor("logit_tokens").ints()) {
      float[] vector = new float[D];
      for (int i = 0; i < D; i++) {
        vector[i] = (float) (unembedding[token * D + i] - mean[i]);
      }
      targets.add(new LinearTarget(point(HookKind.UNEMBED_IN, -1), tokens.length - 1, vector));
    }
    return targets;
  }

  @Test
  void everyRowOfTheGoldenGraph() {
    FrozenModel frozen =
        FrozenModel.of(tiny.transformer(), scope, tokens, sources(), PassControl.NONE);
    List<LinearTarget> targets = targets();
    List<Writer> writers = writers();
    int nodes = (int) graph.tensor("adjacency").shape()[0];
    int logits = (int) graph.tensor("logit_tokens").shape()[0];
    assertThat(writers).hasSize(nodes - logits);
    double[] adjacency = graph.tensor("adjacency").values();
    float[] rows = effects(frozen.attribute(scope, targets, PassControl.NONE), targets, writers);
    float[] actual = new float[nodes * nodes];
    int features = targets.size() - logits;
    for (int t = 0; t < targets.size(); t++) {
      int row = t < features ? t : nodes - logits + (t - features);
      System.arraycopy(rows, t * writers.size(), actual, row * nodes, writers.size());
    }
    // Errors and tokens are no targets: their rows are empty in the graph too.
    GoldenAssert.assertClose("adjacency", actual, adjacency, Golden.TOLERANCE);
  }

  /** What the rows add up to: each target's own value, but for what no node wrote, its bias. */
  @Test
  void valuesThatTheRowsOfTheGoldenGraphExplain() {
    List<LinearTarget> targets = targets();
    SortedSet<HookPoint> places = new TreeSet<>();
    targets.forEach(target -> places.add(target.point()));
    HookProgram.Builder program = HookProgram.builder(tiny.loaded().config());
    places.forEach(program::capture);
    ForwardResult pass =
        tiny.transformer()
            .forward(scope, TokenBatch.of(tokens), ForwardOptions.plain().with(program.build()));
    FrozenModel frozen =
        FrozenModel.of(tiny.transformer(), scope, tokens, sources(), PassControl.NONE);
    List<Writer> writers = writers();
    float[] effects = effects(frozen.attribute(scope, targets, PassControl.NONE), targets, writers);
    int logits = (int) graph.tensor("logit_tokens").shape()[0];
    int nodes = writers.size() + logits;
    float[] value = new float[nodes];
    float[] bias = new float[nodes];
    for (int t = 0; t < targets.size(); t++) {
      LinearTarget target = targets.get(t);
      int row = t < targets.size() - logits ? t : nodes - targets.size() + t;
      float[] there = NdArrays.floats(pass.capture(target.point()));
      double own = 0;
      for (int i = 0; i < D; i++) {
        own += target.vector()[i] * there[target.position() * D + i];
      }
      value[row] = (float) own;
      for (int w = 0; w < writers.size(); w++) {
        own -= effects[t * writers.size() + w];
      }
      bias[row] = (float) own;
    }
    GoldenAssert.assertClose("row_value", value, graph.tensor("row_value"));
    GoldenAssert.assertClose("row_bias", bias, graph.tensor("row_bias"));
    checkActivations(value);
    checkProbabilities(NdArrays.floats(pass.requireLogits()));
  }

  private void checkActivations(float[] value) {
    int[] features = graph.tensor("active_features").ints();
    float[] activations = new float[features.length / 3];
    for (int n = 0; n < activations.length; n++) {
      double[] bias = graph.tensor("transcoder/" + features[3 * n] + "/b_enc").values();
      activations[n] = (float) Math.max(0, value[n] + bias[features[3 * n + 2]]);
    }
    GoldenAssert.assertClose("activations", activations, graph.tensor("feature_activations"));
  }

  private void checkProbabilities(float[] logits) {
    int from = (tokens.length - 1) * VOCABULARY;
    double sum = 0;
    for (int v = 0; v < VOCABULARY; v++) {
      sum += Math.exp(logits[from + v]);
    }
    int[] chosen = graph.tensor("logit_tokens").ints();
    float[] probabilities = new float[chosen.length];
    for (int i = 0; i < chosen.length; i++) {
      probabilities[i] = (float) (Math.exp(logits[from + chosen[i]]) / sum);
    }
    GoldenAssert.assertClose("probabilities", probabilities, graph.tensor("logit_probabilities"));
  }

  /** [target, writer]: cotangent . vector. */
  private float[] effects(
      LinearCotangents cotangents, List<LinearTarget> targets, List<Writer> writers) {
    Map<HookPoint, float[]> values = new java.util.HashMap<>();
    cotangents.sources().forEach((point, array) -> values.put(point, NdArrays.floats(array)));
    float[] rows = new float[targets.size() * writers.size()];
    for (int t = 0; t < targets.size(); t++) {
      for (int w = 0; w < writers.size(); w++) {
        Writer writer = writers.get(w);
        float[] cotangent = values.get(writer.point());
        double effect = 0;
        for (int i = 0; i < D; i++) {
          effect += cotangent[(t * tokens.length + writer.position()) * D + i] * writer.vector()[i];
        }
        rows[t * writers.size() + w] = (float) effect;
      }
    }
    return rows;
  }

  @Test
  void eachTargetAloneIsItsRowOfTheBatch() {
    SortedSet<HookPoint> sources = new TreeSet<>();
    for (HookPoint candidate : new HookPoints(tiny.loaded().config()).all()) {
      try {
        LinearPlaces.checkSource(candidate);
        sources.add(candidate);
      } catch (InvalidLinearAttributionException e) {
        assertThat(e).hasMessageContaining(candidate.name());
      }
    }
    assertThat(sources).hasSize(4 + 3 * 16);
    FrozenModel frozen =
        FrozenModel.of(tiny.transformer(), scope, tokens, sources, PassControl.NONE);
    Random random = new Random(3);
    List<LinearTarget> targets = new ArrayList<>();
    for (HookPoint candidate : new HookPoints(tiny.loaded().config()).all()) {
      try {
        LinearPlaces.checkTarget(candidate);
      } catch (InvalidLinearAttributionException e) {
        continue;
      }
      float[] vector = new float[LinearPlaces.width(tiny.loaded().config(), candidate)];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = (float) random.nextGaussian();
      }
      targets.add(new LinearTarget(candidate, random.nextInt(tokens.length), vector));
    }
    LinearCotangents together = frozen.attribute(scope, targets, PassControl.NONE);
    for (int t = 0; t < targets.size(); t += 5) {
      LinearCotangents alone = frozen.attribute(scope, targets.subList(t, t + 1), PassControl.NONE);
      for (HookPoint source : sources) {
        float[] expected = NdArrays.floats(alone.sources().get(source));
        double[] wide = new double[expected.length];
        for (int i = 0; i < wide.length; i++) {
          wide[i] = expected[i];
        }
        GoldenAssert.assertClose(
            targets.get(t).point() + " to " + source,
            NdArrays.floats(together.sources().get(source).get(t)),
            wide,
            1e-4);
      }
    }
  }

  @Test
  void refusesWhatIsFrozenOrBypassed() {
    refusedSource("blocks.1.attn.hook_pattern", "patterns are held");
    refusedSource("blocks.1.ln2.hook_scale", "scales are held");
    refusedSource("blocks.0.mlp.hook_pre", "bypassed");
    refusedSource("blocks.0.hook_q_input", "attn.hook_in");
    FrozenModel frozen =
        FrozenModel.of(tiny.transformer(), scope, tokens, sources(), PassControl.NONE);
    refusedTarget(frozen, point(HookKind.Z, 1), 0, 8, "head axis");
    refusedTarget(frozen, point(HookKind.MLP_POST, 1), 0, 128, "bypassed");
    refusedTarget(frozen, point(HookKind.LN1_SCALE, 1), 0, 1, "held");
    refusedTarget(frozen, point(HookKind.RESID_PRE, 1), 9, 32, "position is 9");
    refusedTarget(frozen, point(HookKind.RESID_PRE, 1), -1, 32, "position is -1");
    refusedTarget(frozen, point(HookKind.MLP_PRE, 1), 1, 32, "32 values; expected 128");
  }

  private void refusedSource(String name, String part) {
    SortedSet<HookPoint> sources = new TreeSet<>();
    sources.add(new HookPoints(tiny.loaded().config()).named(name));
    assertThatThrownBy(
            () -> FrozenModel.of(tiny.transformer(), scope, tokens, sources, PassControl.NONE))
        .isInstanceOf(InvalidLinearAttributionException.class)
        .hasMessageContaining(name)
        .hasMessageContaining(part);
  }

  private void refusedTarget(
      FrozenModel frozen, HookPoint point, int position, int width, String part) {
    List<LinearTarget> targets = List.of(new LinearTarget(point, position, new float[width]));
    assertThatThrownBy(() -> frozen.attribute(scope, targets, PassControl.NONE))
        .isInstanceOf(InvalidLinearAttributionException.class)
        .hasMessageContaining(part);
  }
}
