package dev.loupe.inference.gradients;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.Activation;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.LayerNormWeights;
import dev.loupe.inference.model.LinearWeights;
import dev.loupe.inference.model.NdTransformerOps;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.TensorEngine;
import dev.loupe.testkit.golden.GoldenAssert;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Compiled operations against the same in engine calls, to 1e-5 of the largest magnitude. */
class TorchBackwardOpsTest {
  private static final double TOLERANCE = 1e-5;

  private final TorchBackwardOps fast = new TorchBackwardOps();
  private final NdBackwardOps slow = new NdBackwardOps();
  private final NDManager scope = TensorEngine.newManager();

  @AfterEach
  void close() {
    fast.close();
    scope.close();
  }

  private NDArray random(long... shape) {
    return scope.randomNormal(new Shape(shape));
  }

  private static void same(String name, NDArray actual, NDArray expected) {
    float[] floats = NdArrays.floats(expected);
    double[] wide = new double[floats.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = floats[i];
    }
    GoldenAssert.assertClose(name, NdArrays.floats(actual), wide, TOLERANCE);
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void everyActivation(Activation activation) {
    NDArray g = random(3, 5, 17);
    NDArray x = random(3, 5, 17).mul(3);
    same(activation.name(), fast.activate(g, x, activation), slow.activate(g, x, activation));
  }

  @Test
  void layerNormsAndProducts() {
    NDArray g = random(2, 3, 8);
    NDArray x = random(2, 3, 8).mul(2).add(1);
    LayerNormWeights norm = new LayerNormWeights(random(8), random(8));
    same("norm", fast.layerNorm(g, x, norm, 1e-5), slow.layerNorm(g, x, norm, 1e-5));
    NDArray strided = random(5, 8).transpose(); // [8, 5], as weights of files are
    same("linear", fast.linear(g, strided), slow.linear(g, strided));
  }

  @Test
  void softmaxes() {
    NDArray pattern = random(2, 3, 4, 6).mul(4).softmax(-1);
    NDArray g = random(2, 3, 4, 6);
    same("softmax", fast.softmax(g, pattern), slow.softmax(g, pattern));
  }

  /** Every choice of results, from queries, keys and values as projected, and without them. */
  @Test
  void headInputsInEveryCombination() {
    NDArray qkv = random(12, 36).transpose();
    BlockWeights weights =
        new BlockWeights(
            new LayerNormWeights(random(12), random(12)),
            new LinearWeights(qkv, random(36)),
            null,
            null,
            null,
            null);
    NDArray x = random(2, 5, 12).mul(2).add(1);
    List<NDArray> cotangents =
        List.of(
            random(2, 5, 3, 4),
            random(2, 3, 5, 4).transpose(0, 2, 1, 3), // as attention gives them
            random(2, 5, 3, 4));
    List<NDArray> projected =
        new NdTransformerOps()
            .queriesKeysValues(
                new NdTransformerOps().layerNorm(x, weights.ln1(), 1e-5), weights.qkv(), 3);
    for (int bits = 1; bits < 16; bits++) {
      Set<HookKind> kinds = EnumSet.noneOf(HookKind.class);
      for (int i = 0; i < 4; i++) {
        if ((bits & 1 << i) != 0) {
          kinds.add(HeadInputs.KINDS.get(i));
        }
      }
      for (List<NDArray> known : List.of(projected, List.<NDArray>of())) {
        Map<HookKind, NDArray> actual = fast.headInputs(cotangents, known, kinds, x, weights, 1e-5);
        Map<HookKind, NDArray> expected =
            slow.headInputs(cotangents, known, kinds, x, weights, 1e-5);
        assertThat(actual.keySet()).isEqualTo(kinds);
        assertThat(expected.keySet()).isEqualTo(kinds);
        kinds.forEach(kind -> same(kinds + " " + kind, actual.get(kind), expected.get(kind)));
      }
    }
  }
}
