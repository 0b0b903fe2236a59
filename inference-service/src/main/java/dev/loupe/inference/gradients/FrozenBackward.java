package dev.loupe.inference.gradients;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LayerNormWeights;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.tensor.NdArrays;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One backward pass of a batch of targets through a {@link FrozenModel}. Cotangents are [p, t, d]:
 * positions, up to the last target's, then targets; null stands for zero.
 */
final class FrozenBackward {
  private final HookedTransformer model;
  private final GptConfig config;
  private final FrozenModel frozen;
  private final PassControl control;
  private final Map<HookPoint, List<Integer>> places = new HashMap<>();
  private final List<LinearTarget> targets;
  private final int columns;
  private final Map<HookPoint, NDArray> results = new TreeMap<>();
  private NDManager scope;
  private NDManager local;

  FrozenBackward(
      HookedTransformer model,
      FrozenModel frozen,
      List<LinearTarget> targets,
      PassControl control) {
    this.model = model;
    this.config = model.config();
    this.frozen = frozen;
    this.targets = targets;
    this.control = control;
    for (int i = 0; i < targets.size(); i++) {
      places.computeIfAbsent(targets.get(i).point(), point -> new ArrayList<>()).add(i);
    }
    this.columns = 1 + targets.stream().mapToInt(LinearTarget::position).max().orElseThrow();
  }

  LinearCotangents run(NDManager owner) {
    scope = owner;
    try (NDManager pass = owner.newSubManager()) {
      local = pass;
      NDArray resid = end();
      for (int layer = config.layers() - 1; layer >= 0 && !isDone(layer); layer--) {
        control.beforeLayer(layer);
        try (NDManager ofLayer = pass.newSubManager()) {
          local = ofLayer;
          if (resid != null) {
            resid.attach(ofLayer);
          }
          resid = block(layer, resid);
          if (resid != null) {
            resid.attach(pass);
          }
        }
      }
      local = pass;
      at(HookKind.POS_EMBED, -1, resid);
      at(HookKind.EMBED, -1, resid);
    }
    return new LinearCotangents(results);
  }

  /** From the logits to the residual stream after the last block. */
  private NDArray end() {
    NDArray byLogits = at(HookKind.UNEMBED_OUT, -1, null);
    NDArray byNormed =
        at(
            HookKind.UNEMBED_IN,
            -1,
            byLogits == null ? null : byLogits.matMul(model.weights().unembedding()));
    return norm(
        byNormed,
        model.weights().lnFinal(),
        HookKind.LN_FINAL_SCALE,
        HookKind.LN_FINAL_NORMALIZED,
        -1);
  }

  private NDArray block(int layer, NDArray after) {
    BlockWeights weights = model.weights().blocks().get(layer);
    NDArray resid = at(HookKind.RESID_POST, layer, after);
    NDArray byMlpOut = at(HookKind.MLP_OUT, layer, resid);
    if (isSource(HookKind.MLP_POST, layer)) {
      at(HookKind.MLP_POST, layer, linear(byMlpOut, weights.mlpOut().weight()));
    }
    NDArray byPre = at(HookKind.MLP_PRE, layer, null);
    NDArray byNormed = at(HookKind.LN2_OUT, layer, linear(byPre, weights.mlpIn().weight()));
    NDArray byMlpIn =
        at(
            HookKind.MLP_IN,
            layer,
            norm(byNormed, weights.ln2(), HookKind.LN2_SCALE, HookKind.LN2_NORMALIZED, layer));
    resid = at(HookKind.RESID_MID, layer, sum(resid, byMlpIn));
    NDArray byAttention = attention(layer, weights, at(HookKind.ATTN_OUT, layer, resid));
    return at(HookKind.RESID_PRE, layer, sum(resid, byAttention));
  }

  private NDArray attention(int layer, BlockWeights weights, NDArray byOut) {
    NDArray byValues = null;
    if (byOut == null) {
      recordZero(HookKind.RESULT, layer);
      recordZero(HookKind.Z, layer);
      recordZero(HookKind.V, layer);
    } else {
      int heads = config.heads();
      int dHead = config.dHead();
      int count = targets.size();
      if (isSource(HookKind.RESULT, layer)) {
        Shape ofHeads = new Shape(columns, count, heads, config.dModel());
        record(new HookPoint(HookKind.RESULT, layer), byOut.expandDims(2).broadcast(ofHeads));
      }
      NDArray byZ =
          linear(byOut, weights.attentionOut().weight()).reshape(columns, count, heads, dHead);
      record(new HookPoint(HookKind.Z, layer), byZ);
      NDArray pattern = frozen.held(local, HookKind.PATTERN, layer, columns); // [h, q, k]
      NDArray byV =
          pattern
              .transpose(0, 2, 1)
              .matMul(byZ.transpose(2, 0, 1, 3).reshape(heads, columns, (long) count * dHead))
              .reshape(heads, columns, count, dHead)
              .transpose(1, 2, 0, 3); // [k, t, h, d_head]
      record(new HookPoint(HookKind.V, layer), byV);
      NDArray wV =
          weights
              .qkv()
              .weight()
              .get(local, new NDIndex("{}:{}", 2 * config.dModel(), 3 * config.dModel()));
      byValues = byV.reshape(columns, count, config.dModel()).matMul(wV);
    }
    NDArray byParts = at(HookKind.V_IN, layer, byValues);
    byParts = sum(byParts, at(HookKind.K_IN, layer, null)); // targets alone, as patterns are held
    byParts = sum(byParts, at(HookKind.Q_IN, layer, null));
    NDArray byNormed = at(HookKind.LN1_OUT, layer, byParts);
    return at(
        HookKind.LN1_IN,
        layer,
        norm(byNormed, weights.ln1(), HookKind.LN1_SCALE, HookKind.LN1_NORMALIZED, layer));
  }

  private void recordZero(HookKind kind, int layer) {
    record(new HookPoint(kind, layer), null);
  }

  /** Through a layer norm whose scale is held: with g = cotangent * w, (g - mean(g)) / scale. */
  private NDArray norm(
      NDArray byNormed, LayerNormWeights ln, HookKind scale, HookKind normalized, int layer) {
    NDArray byNormalized =
        at(normalized, layer, byNormed == null ? null : byNormed.mul(ln.weight()));
    if (byNormalized == null) {
      return null;
    }
    return byNormalized
        .sub(byNormalized.mean(new int[] {-1}, true))
        .div(frozen.held(local, scale, layer, columns));
  }

  private static NDArray linear(NDArray cotangent, NDArray weight) {
    return cotangent == null ? null : cotangent.matMul(weight);
  }

  private static NDArray sum(NDArray a, NDArray b) {
    return a == null ? b : b == null ? a : a.add(b);
  }

  /** Passes a hook point: puts in the targets that lie here, and gives what is asked for. */
  private NDArray at(HookKind kind, int layer, NDArray cotangent) {
    HookPoint point = new HookPoint(kind, layer);
    NDArray whole = cotangent;
    List<Integer> here = places.get(point);
    if (here != null) {
      long width = LinearPlaces.width(config, point);
      whole =
          cotangent == null
              ? local.zeros(new Shape(columns, targets.size(), width))
              : cotangent.duplicate();
      for (int target : here) {
        LinearTarget entry = targets.get(target);
        whole.set(
            new NDIndex("{}, {}", entry.position(), target), NdArrays.of(local, entry.vector()));
      }
    }
    record(point, whole);
    return whole;
  }

  /** Keeps [p, t, ...] as [t, pos, ...], zero behind the last target's position. */
  private void record(HookPoint point, NDArray cotangent) {
    if (!frozen.sources().contains(point)) {
      return;
    }
    boolean heads = point.kind().headAxis() >= 0;
    long count = targets.size();
    long last = LinearPlaces.width(config, point);
    Shape shape =
        heads
            ? new Shape(count, frozen.length(), config.heads(), last)
            : new Shape(count, frozen.length(), last);
    NDArray result = scope.zeros(shape);
    if (cotangent != null) {
      NDArray byTarget = heads ? cotangent.transpose(1, 0, 2, 3) : cotangent.transpose(1, 0, 2);
      result.set(new NDIndex(":, 0:{}", columns), byTarget);
    }
    results.put(point, result);
  }

  private boolean isSource(HookKind kind, int layer) {
    return frozen.sources().contains(new HookPoint(kind, layer));
  }

  /** True when no source lies in a layer or before it. */
  private boolean isDone(int layer) {
    return frozen.sources().first().compareTo(new HookPoint(HookKind.RESID_POST, layer)) > 0;
  }
}
