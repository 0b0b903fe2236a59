package dev.loupe.inference.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.ModelWeights;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.tensor.NdArrays;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.PriorityQueue;
import java.util.stream.IntStream;

/**
 * Direct logit attribution (Elhage et al. 2021): a logit, or the difference of two, as a sum over
 * what each component wrote into the residual stream. The final layer norm is taken as linear, with
 * the scale that the pass had at that position.
 */
public final class LogitAttribution {

  /**
   * What one component adds.
   *
   * @param component {@code embed}, {@code pos_embed}, {@code L0H3}, {@code 0_attn_bias} or {@code
   *     0_mlp_out}
   * @param logit in logits
   */
  public record Contribution(String component, double logit) {}

  /**
   * What one neuron adds: its activation times its output weights. It is a part of what its MLP
   * adds; the rest of that is the MLP's bias.
   *
   * @param layer from 0
   * @param neuron from 0
   * @param logit in logits
   */
  public record NeuronContribution(int layer, int neuron, double logit) {}

  /**
   * A logit, split.
   *
   * @param contributions in model order
   * @param neurons those that add most by magnitude, most first
   * @param bias what ln_final's bias and the unembedding's add
   * @param total what the model computed
   */
  public record Split(
      List<Contribution> contributions,
      List<NeuronContribution> neurons,
      double bias,
      double total) {}

  private final HookedTransformer model;

  /** Attribution on a model. */
  public LogitAttribution(HookedTransformer model) {
    this.model = model;
  }

  /**
   * Splits the prediction at one position of a row.
   *
   * @param position negative ones count from the end
   * @param token whose logit is split
   * @param incorrectToken whose logit is taken away, when given
   * @param topNeurons how many neurons to give, of all layers
   * @throws IllegalArgumentException when the position or a token is not there
   */
  public Split split(
      NDManager parent,
      int[] tokens,
      int position,
      int token,
      OptionalInt incorrectToken,
      int topNeurons,
      PassControl control) {
    int column = Positions.absolute(position, tokens.length);
    checkToken("token", token);
    incorrectToken.ifPresent(other -> checkToken("incorrect_token", other));
    try (NDManager scope = parent.newSubManager()) {
      PositionReadings at = new PositionReadings(model, column);
      read().forEach(at::add);
      if (topNeurons > 0) {
        layers().forEach(layer -> at.add(HookPoint.of(HookKind.MLP_POST, layer)));
      }
      at.run(scope, tokens, control);
      ModelWeights weights = model.weights();
      float[] unembedding = unembedding(scope, token, incorrectToken);
      float[] normWeight = NdArrays.floats(weights.lnFinal().weight());
      float[] normBias = NdArrays.floats(weights.lnFinal().bias());
      double tokenBias = unembeddingBias(token, incorrectToken);
      double scale = at.value(HookPoint.of(HookKind.LN_FINAL_SCALE))[0];
      double[] direction = direction(unembedding, normWeight, scale);
      return new Split(
          contributions(scope, at, direction),
          topNeurons == 0 ? List.of() : neurons(scope, at, direction, topNeurons),
          dot(normBias, unembedding) + tokenBias,
          dot(at.value(HookPoint.of(HookKind.UNEMBED_IN)), unembedding) + tokenBias);
    }
  }

  private List<Integer> layers() {
    return IntStream.range(0, model.config().layers()).boxed().toList();
  }

  private List<HookPoint> read() {
    List<HookPoint> points = new ArrayList<>();
    for (HookKind kind :
        List.of(HookKind.EMBED, HookKind.POS_EMBED, HookKind.LN_FINAL_SCALE, HookKind.UNEMBED_IN)) {
      points.add(HookPoint.of(kind));
    }
    for (int layer : layers()) {
      points.add(HookPoint.of(HookKind.Z, layer));
      points.add(HookPoint.of(HookKind.MLP_OUT, layer));
    }
    return points;
  }

  /** Of each MLP only W_out^T direction is made, so nothing is [d_mlp, d_model]. */
  private List<NeuronContribution> neurons(
      NDManager scope, PositionReadings at, double[] direction, int count) {
    Comparator<NeuronContribution> larger =
        Comparator.<NeuronContribution>comparingDouble(n -> -Math.abs(n.logit()))
            .thenComparingInt(NeuronContribution::layer)
            .thenComparingInt(NeuronContribution::neuron);
    PriorityQueue<NeuronContribution> kept = new PriorityQueue<>(count + 1, larger.reversed());
    for (int layer : layers()) {
      double[] throughOut =
          throughWeight(scope, model.weights().blocks().get(layer).mlpOut().weight(), direction);
      float[] post = at.value(HookPoint.of(HookKind.MLP_POST, layer));
      for (int neuron = 0; neuron < post.length; neuron++) {
        kept.add(new NeuronContribution(layer, neuron, post[neuron] * throughOut[neuron]));
        if (kept.size() > count) {
          kept.poll();
        }
      }
    }
    return kept.stream().sorted(larger).toList();
  }

  private List<Contribution> contributions(
      NDManager scope, PositionReadings at, double[] direction) {
    GptConfig config = model.config();
    List<Contribution> contributions = new ArrayList<>();
    contributions.add(of("embed", at, HookPoint.of(HookKind.EMBED), direction));
    contributions.add(of("pos_embed", at, HookPoint.of(HookKind.POS_EMBED), direction));
    for (int layer = 0; layer < config.layers(); layer++) {
      var out = model.weights().blocks().get(layer).attentionOut();
      double[] throughOut = throughWeight(scope, out.weight(), direction); // [h * d_head]
      float[] z = at.value(HookPoint.of(HookKind.Z, layer));
      for (int head = 0; head < config.heads(); head++) {
        double sum = 0;
        for (int i = head * config.dHead(); i < (head + 1) * config.dHead(); i++) {
          sum += z[i] * throughOut[i];
        }
        contributions.add(new Contribution("L" + layer + "H" + head, sum));
      }
      contributions.add(
          new Contribution(layer + "_attn_bias", dot(NdArrays.floats(out.bias()), direction)));
      contributions.add(
          of(layer + "_mlp_out", at, HookPoint.of(HookKind.MLP_OUT, layer), direction));
    }
    return contributions;
  }

  private static Contribution of(
      String name, PositionReadings at, HookPoint point, double[] direction) {
    return new Contribution(name, dot(at.value(point), direction));
  }

  /** W_out^T direction: what a unit of each of the weight's inputs adds. */
  private static double[] throughWeight(NDManager scope, NDArray weight, double[] direction) {
    float[] narrow = new float[direction.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) direction[i];
    }
    NDArray product =
        NdArrays.of(scope, narrow, new Shape(1, narrow.length))
            .matMul(weight); // weight is [out, in]
    float[] values = NdArrays.floats(product);
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  private float[] unembedding(NDManager scope, int token, OptionalInt incorrect) {
    NDArray table = model.weights().unembedding();
    NDArray vector = table.get(scope, new NDIndex("{}", token));
    if (incorrect.isPresent()) {
      vector = vector.sub(table.get(scope, new NDIndex("{}", incorrect.getAsInt())));
    }
    return NdArrays.floats(vector);
  }

  private double unembeddingBias(int token, OptionalInt incorrect) {
    NDArray bias = model.weights().unembeddingBias();
    if (bias == null) {
      return 0;
    }
    float[] values = NdArrays.floats(bias);
    return values[token] - (incorrect.isPresent() ? values[incorrect.getAsInt()] : 0);
  }

  /**
   * With x centred and divided by the scale, (x / scale * w) . u is x . (w u - mean(w u)) / scale.
   */
  private static double[] direction(float[] unembedding, float[] normWeight, double scale) {
    double[] direction = new double[unembedding.length];
    double mean = 0;
    for (int i = 0; i < direction.length; i++) {
      direction[i] = (double) unembedding[i] * normWeight[i];
      mean += direction[i] / direction.length;
    }
    for (int i = 0; i < direction.length; i++) {
      direction[i] = (direction[i] - mean) / scale;
    }
    return direction;
  }

  private void checkToken(String field, int token) {
    if (token < 0 || token >= model.config().vocabularySize()) {
      throw new IllegalArgumentException(
          "%s is %d; expected 0 to %d"
              .formatted(field, token, model.config().vocabularySize() - 1));
    }
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  private static double dot(float[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /** The contributions' and the bias's sum, which is the total up to rounding. */
  public static double sum(Split split) {
    double[] parts = split.contributions().stream().mapToDouble(Contribution::logit).toArray();
    return Arrays.stream(parts).sum() + split.bias();
  }
}
