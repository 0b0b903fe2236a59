package dev.loupe.inference.model;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.TensorEngine;
import dev.loupe.testkit.golden.GoldenAssert;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each fused operation against the plain one, over odd shapes. Results are held to 1e-5 of the
 * largest magnitude in float32, and products to 2e-2 in bfloat16; there of what the product's terms
 * add up to without their signs, for terms that cancel leave their rounding behind.
 */
class FusedTransformerOpsTest {
  private static final double SAME = 1e-5;
  private static final double NEAR = 2e-2;

  private final TransformerOps slow = new NdTransformerOps();
  private NDManager scope;

  @BeforeEach
  void open() {
    scope = TensorEngine.newManager();
    scope.getEngine().setRandomSeed(7);
  }

  @AfterEach
  void close() {
    scope.close();
  }

  /** In the form that this machine's engine takes. */
  FusedTransformerOps fused(ModelWeights weights, ComputeType type) {
    return FusedTransformerOps.of(weights, type);
  }

  private NDArray random(long... shape) {
    return scope.randomNormal(new Shape(shape));
  }

  private LayerNormWeights norm(int width) {
    return new LayerNormWeights(random(width), random(width));
  }

  /** As a file holds it: [in, out], seen as [out, in]. */
  private LinearWeights linear(int in, int out) {
    return new LinearWeights(random(in, out).muli(1 / Math.sqrt(in)).transpose(), random(out));
  }

  private ModelWeights weights(GptConfig config) {
    int d = config.dModel();
    List<BlockWeights> blocks = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      blocks.add(
          new BlockWeights(
              norm(d),
              linear(d, 3 * d),
              linear(d, d),
              norm(d),
              linear(d, config.dMlp()),
              linear(config.dMlp(), d)));
    }
    NDArray tokens = random(config.vocabularySize(), d);
    return new ModelWeights(tokens, random(config.contextLength(), d), blocks, norm(d), tokens);
  }

  private static GptConfig config(int heads, int dModel, int dMlp, Activation activation) {
    return new GptConfig(2, heads, dModel, dMlp, 9, 13, 1e-5, activation, true, true, true, -1, -1);
  }

  private static void same(String name, NDArray actual, NDArray expected, double tolerance) {
    assertThat(actual.getShape()).as(name).isEqualTo(expected.getShape());
    GoldenAssert.assertClose(name, floats(actual), doubles(expected), tolerance);
  }

  /** What the terms of {@code x W + b} add up to at most, signs left out. */
  private double magnitude(NDArray x, LinearWeights weights) {
    LinearWeights unsigned = new LinearWeights(weights.weight().abs(), weights.bias().abs());
    return slow.linear(x.abs(), unsigned).max().getFloat();
  }

  private static void near(String name, NDArray actual, NDArray expected, double bound) {
    assertThat(actual.getShape()).as(name).isEqualTo(expected.getShape());
    assertThat(actual.sub(expected).abs().max().getFloat())
        .as(name)
        .isLessThanOrEqualTo((float) bound);
  }

  private static float[] floats(NDArray array) {
    return NdArrays.floats(array);
  }

  private static double[] doubles(NDArray array) {
    float[] narrow = floats(array);
    double[] wide = new double[narrow.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = narrow[i];
    }
    return wide;
  }

  /** Rows, positions, heads, width of a head, hidden width. */
  @ParameterizedTest
  @CsvSource({
    "1,1,1,1,1",
    "1,1,3,1,2",
    "2,5,1,7,3",
    "3,4,3,4,20",
    "1,9,2,16,64",
    "4,1,5,3,11",
    "5,29,2,3,7",
    // A few rows of many inputs, which are summed in slices.
    "8,1,3,32,384",
    "2,5,4,40,300",
    "1,16,2,48,100"
  })
  void everyOperation(int rows, int width, int heads, int dHead, int dMlp) {
    int d = heads * dHead;
    ModelWeights weights = weights(config(heads, d, dMlp, Activation.GELU_TANH));
    for (ComputeType type : ComputeType.values()) {
      double tolerance = type == ComputeType.F32 ? SAME : NEAR;
      try (TransformerOps fast = fused(weights, type)) {
        BlockWeights block = weights.blocks().get(0);
        NDArray x = random(rows, width, d);
        double hidden = tolerance * magnitude(x, block.mlpIn());
        near("linear", fast.linear(x, block.mlpIn()), slow.linear(x, block.mlpIn()), hidden);
        for (Activation activation : Activation.values()) {
          NDArray expected = slow.linearActivated(x, block.mlpIn(), activation);
          NDArray actual = fast.linearActivated(x, block.mlpIn(), activation);
          near("linear, then " + activation, actual, expected, hidden);
          same(activation.name(), fast.activate(x, activation), slow.activate(x, activation), SAME);
        }
        NDArray residual = random(rows, width, d);
        near(
            "linear plus a residual",
            fast.linearPlus(residual, x, block.attentionOut()),
            slow.linearPlus(residual, x, block.attentionOut()),
            tolerance * (magnitude(x, block.attentionOut()) + residual.abs().max().getFloat()));
        List<NDArray> actual = fast.queriesKeysValues(x, block.qkv(), heads);
        List<NDArray> expected = slow.queriesKeysValues(x, block.qkv(), heads);
        for (int part = 0; part < 3; part++) {
          near(
              "q, k or v",
              actual.get(part),
              expected.get(part),
              tolerance * magnitude(x, block.qkv()));
        }
        near(
            "unembed",
            fast.unembed(x, weights.unembedding()),
            slow.unembed(x, weights.unembedding()),
            tolerance * slow.unembed(x.abs(), weights.unembedding().abs()).max().getFloat());
        normsAndMaps(fast, x, block, expected);
      }
    }
  }

  /** What is computed in float32 whatever the compute type. */
  private void normsAndMaps(TransformerOps fast, NDArray x, BlockWeights block, List<NDArray> qkv) {
    same(
        "layer norm",
        fast.layerNorm(x, block.ln1(), 1e-5),
        slow.layerNorm(x, block.ln1(), 1e-5),
        SAME);
    NDArray centered = slow.center(x);
    same("center", fast.center(x), centered, SAME);
    same("scale", fast.scale(centered, 1e-5), slow.scale(centered, 1e-5), SAME);
    same("affine", fast.affine(centered, block.ln1()), slow.affine(centered, block.ln1()), SAME);
    NDArray q = qkv.get(0);
    NDArray k = qkv.get(1);
    NDArray v = qkv.get(2);
    int width = (int) x.getShape().get(1);
    float[] hidden = new float[width * width];
    for (int i = 0; i < hidden.length; i++) {
      hidden[i] = i % width > i / width ? Float.NEGATIVE_INFINITY : 0;
    }
    NDArray mask = scope.create(hidden, new Shape(width, width));
    for (NDArray seen : Arrays.asList(mask, null)) {
      NDArray scores = slow.scores(q, k, 0.3, seen);
      NDArray fastPattern = fast.pattern(fast.scores(q, k, 0.3, seen), false);
      same("pattern", fastPattern, slow.pattern(scores, false), SAME);
      same("mix", fast.mix(fastPattern, v), slow.mix(fastPattern, v), SAME);
      same(
          "attention",
          fast.attention(q, k, v, 0.3, seen),
          slow.attention(q, k, v, 0.3, seen),
          SAME);
    }
    NDArray none = scope.full(new Shape(1, 1, width, width), Float.NEGATIVE_INFINITY);
    assertThat(floats(fast.pattern(none, true))).containsOnly(0f);
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void aWholeBlockIsWhatItsPartsAre(Activation activation) {
    GptConfig config = config(3, 12, 20, activation);
    ModelWeights weights = weights(config);
    TokenBatch batch = TokenBatch.of(new int[] {1, 2, 3, 4, 5}, new int[] {6, 7, 8});
    NDArray x = random(2, 5, 12);
    for (ComputeType type : ComputeType.values()) {
      try (TransformerOps fast = fused(weights, type)) {
        for (int layer = 0; layer < 2; layer++) {
          BlockWeights block = weights.blocks().get(layer);
          AttentionMask mask = AttentionMask.of(scope, batch, null);
          NDArray whole = fast.block(x, block, config, layer, mask, null).orElseThrow();
          assertThat(whole.getManager()).isSameAs(x.getManager());
          NDArray z =
              attend(block, x, config.scoreScale(layer), mask.array()).reshape(x.getShape());
          NDArray mid = slow.linearPlus(x, z, block.attentionOut());
          NDArray normed = slow.layerNorm(mid, block.ln2(), 1e-5);
          NDArray post = slow.linearActivated(normed, block.mlpIn(), activation);
          NDArray expected = slow.linearPlus(mid, post, block.mlpOut());
          same("block", whole, expected, type == ComputeType.F32 ? SAME : NEAR);
        }
      }
    }
  }

  private NDArray attend(BlockWeights block, NDArray x, double scale, NDArray mask) {
    NDArray normed = slow.layerNorm(x, block.ln1(), 1e-5);
    List<NDArray> qkv = slow.queriesKeysValues(normed, block.qkv(), 3);
    return slow.attention(qkv.get(0), qkv.get(1), qkv.get(2), scale, mask);
  }

  @Test
  void passesAgreeWithPlainOperationsWhateverIsHookedAndCached() {
    GptConfig config = config(3, 12, 20, Activation.GELU_TANH);
    ModelWeights weights = weights(config);
    TokenBatch first = TokenBatch.of(new int[] {1, 2, 3}, new int[] {4});
    TokenBatch second = TokenBatch.of(new int[] {5, 6}, new int[] {7, 8});
    HookProgram.Builder everything = HookProgram.builder(config);
    for (HookKind kind : HookKind.values()) {
      everything.capture(kind.isPerLayer() ? HookPoint.of(kind, 1) : HookPoint.of(kind));
    }
    for (ComputeType type : ComputeType.values()) {
      double tolerance = type == ComputeType.F32 ? SAME : NEAR;
      try (TransformerOps fast = fused(weights, type);
          KvCache fastCache = new KvCache(scope, config, 2, 8);
          KvCache slowCache = new KvCache(scope, config, 2, 8)) {
        HookedTransformer quick = new HookedTransformer(config, weights, fast);
        HookedTransformer plain = new HookedTransformer(config, weights, slow);
        for (boolean hooked : new boolean[] {false, true}) {
          HookProgram program = hooked ? everything.build() : HookProgram.none();
          TokenBatch batch = hooked ? second : first;
          ForwardOptions options = ForwardOptions.plain().with(program);
          ForwardResult got = quick.forward(scope, batch, options.with(fastCache));
          ForwardResult expected = plain.forward(scope, batch, options.with(slowCache));
          same("logits", got.requireLogits(), expected.requireLogits(), tolerance);
          for (Map.Entry<HookPoint, NDArray> entry : expected.captures().entrySet()) {
            if (entry.getKey().kind() != HookKind.ATTN_SCORES) { // -inf where hidden
              same(entry.getKey().name(), got.capture(entry.getKey()), entry.getValue(), tolerance);
            }
          }
        }
      }
    }
  }
}
