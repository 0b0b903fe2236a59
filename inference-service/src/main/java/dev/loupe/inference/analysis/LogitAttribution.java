package dev.loupe.inference.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.ModelWeights;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.NdArrays;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

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
   * A logit, split.
   *
   * @param contributions in model order
   * @param bias what ln_final's bias and the unembedding's add
   * @param total what the model computed
   */
  public record Split(List<Contribution> contributions, double bias, double total) {}

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
   * @throws IllegalArgumentException when the position or a token is not there
   */
  public Split split(
      NDManager parent,
      int[] tokens,
      int position,
      int token,
      OptionalInt incorrectToken,
      PassControl control) {
    int column = Positions.absolute(position, tokens.length);
    checkToken("token", token);
    incorrectToken.ifPresent(other -> checkToken("incorrect_token", other));
    try (NDManager scope = parent.newSubManager()) {
      ForwardResult pass =
          model.forward(
              scope, TokenBatch.of(tokens), ForwardOptions.plain().with(program()).with(control));
      float[] logits = row(pass.requireLogits(), column);
      double total =
          logits[token] - (incorrectToken.isPresent() ? logits[incorrectToken.getAsInt()] : 0);
      ModelWeights weights = model.weights();
      float[] unembedding = unembedding(scope, token, incorrectToken);
      float[] normWeight = NdArrays.floats(weights.lnFinal().weight());
      float[] normBias = NdArrays.floats(weights.lnFinal().bias());
      double scale = row(pass.capture(HookPoint.of(HookKind.LN_FINAL_SCALE)), column)[0];
      double[] direction = direction(unembedding, normWeight, scale);
      List<Contribution> contributions = contributions(scope, pass, column, direction);
      double bias = dot(normBias, unembedding) + unembeddingBias(token, incorrectToken);
      return new Split(contributions, bias, total);
    }
  }

  private HookProgram program() {
    HookProgram.Builder program =
        HookProgram.builder(model.config())
            .capture(HookPoint.of(HookKind.EMBED))
            .capture(HookPoint.of(HookKind.POS_EMBED))
            .capture(HookPoint.of(HookKind.LN_FINAL_SCALE));
    for (int layer = 0; layer < model.config().layers(); layer++) {
      program.capture(HookPoint.of(HookKind.Z, layer));
      program.capture(HookPoint.of(HookKind.MLP_OUT, layer));
    }
    return program.build();
  }

  private List<Contribution> contributions(
      NDManager scope, ForwardResult pass, int column, double[] direction) {
    GptConfig config = model.config();
    List<Contribution> contributions = new ArrayList<>();
    contributions.add(of("embed", pass, HookPoint.of(HookKind.EMBED), column, direction));
    contributions.add(of("pos_embed", pass, HookPoint.of(HookKind.POS_EMBED), column, direction));
    for (int layer = 0; layer < config.layers(); layer++) {
      var out = model.weights().blocks().get(layer).attentionOut();
      double[] throughOut = throughWeight(scope, out.weight(), direction); // [h * d_head]
      float[] z = row(pass.capture(HookPoint.of(HookKind.Z, layer)), column);
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
          of(layer + "_mlp_out", pass, HookPoint.of(HookKind.MLP_OUT, layer), column, direction));
    }
    return contributions;
  }

  private static Contribution of(
      String name, ForwardResult pass, HookPoint point, int column, double[] direction) {
    return new Contribution(name, dot(row(pass.capture(point), column), direction));
  }

  /** W_out^T direction: what a unit of each of the weight's inputs adds. */
  private static double[] throughWeight(NDManager scope, NDArray weight, double[] direction) {
    float[] narrow = new float[direction.length];
    for (int i = 0; i < narrow.length; i++) {
      narrow[i] = (float) direction[i];
    }
    NDArray product = scope.create(narrow).reshape(1, -1).matMul(weight); // weight is [out, in]
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

  /** One position of the only row, flat. */
  private static float[] row(NDArray value, int column) {
    return NdArrays.floats(value.get(new NDIndex("0, {}", column)));
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
