package dev.loupe.inference.sweeps;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.TransformerOps;
import dev.loupe.inference.model.hooks.HookKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One layer of a chunk. Linear maps see the tokens of all rows as one matrix; only the attention
 * goes group by group. Rows that are patched in this layer join where their patch lies, with the
 * positions that it changes; their other positions are the base run's. In the last layer only the
 * positions that the metric reads ask anything.
 *
 * <p>Shapes: n tokens of all rows, group by group; r rows of a group, s positions of each.
 */
final class SweepLayer {
  private final Sweep sweep;
  private final SweepRuns runs;
  private final GptConfig config;
  private final TransformerOps ops;
  private final List<CellGroup> groups;
  private final int layer;
  private final BlockWeights weights;
  private final boolean last;
  private final NDManager scope;

  SweepLayer(Sweep sweep, List<CellGroup> groups, int layer, NDManager scope) {
    this.sweep = sweep;
    this.runs = sweep.runs();
    this.config = sweep.config();
    this.ops = sweep.ops();
    this.groups = groups;
    this.layer = layer;
    this.weights = sweep.model().weights().blocks().get(layer);
    this.last = layer == config.layers() - 1;
    this.scope = scope;
  }

  /** Cells of one group that are patched in this layer. */
  private record Joining(CellGroup group, List<SweepCell> cells) {}

  /**
   * Runs the layer.
   *
   * @param before the rows under way, [n, d_model]; null for none
   * @return the rows under way after it, [n, d_model]; null for none
   */
  NDArray run(NDArray before) {
    int[] old = rows();
    List<Joining> joining = joining();
    if (sweep.activation() == PatchedActivation.RESID_PRE) {
      NDArray patched = joining.isEmpty() ? null : concat(patches(joining));
      NDArray x = regrouped(before, old, patched, joining, layer, false);
      return x == null ? null : after(x, rows(), List.of());
    }
    return before == null && joining.isEmpty() ? null : after(before, old, joining);
  }

  private int[] rows() {
    return groups.stream().mapToInt(CellGroup::rows).toArray();
  }

  private List<Joining> joining() {
    List<Joining> joining = new ArrayList<>();
    for (CellGroup group : groups) {
      List<SweepCell> cells = group.enter(layer);
      if (!cells.isEmpty()) {
        joining.add(new Joining(group, cells));
      }
    }
    return joining;
  }

  private NDArray after(NDArray x, int[] old, List<Joining> joining) {
    NDList mixed = new NDList();
    NDList inputs = new NDList();
    if (x != null) {
      attend(x, old, mixed, inputs);
    }
    PatchedActivation activation = sweep.activation();
    if (activation.isPerHead()) {
      for (Joining cells : joining) {
        int changed = sweep.changed(cells.cells().get(0));
        NDArray z = sweep.heads().mixed(scope, cells.cells(), changed); // [r, changed, d_model]
        NDArray input = base(cells.group(), layer, 0, changed);
        mixed.add(flat(z));
        inputs.add(flat(input.broadcast(z.getShape())));
      }
    }
    NDList mids = new NDList();
    if (!mixed.isEmpty()) {
      mids.add(ops.linearPlus(concat(inputs), concat(mixed), weights.attentionOut()));
    }
    if (activation == PatchedActivation.ATTN_OUT) {
      mids.addAll(patches(joining));
    }
    NDList posts = new NDList();
    if (!mids.isEmpty()) {
      posts.add(afterMlp(concat(mids)));
    }
    if (activation.isAfterMlp()) {
      posts.addAll(patches(joining));
    }
    NDArray post = concat(posts);
    int oldTokens = 0;
    for (int g = 0; g < old.length; g++) {
      oldTokens += old[g] * asked(groups.get(g)).length;
    }
    NDArray patched =
        joining.isEmpty() ? null : post.get(new NDIndex("{}:{}", oldTokens, post.size(0)));
    return regrouped(post, old, patched, joining, layer + 1, last);
  }

  /** The positions of a group's rows whose residual stream after this layer is needed. */
  private int[] asked(CellGroup group) {
    return last ? sweep.readFrom(group.start()) : SweepRuns.range(group.start(), runs.length());
  }

  /** Adds mixed values z and residual stream of the rows under way, at the asked positions. */
  private void attend(NDArray x, int[] old, NDList mixed, NDList inputs) {
    int d = config.dModel();
    NDArray normed = ops.layerNorm(x, weights.ln1(), config.layerNormEpsilon());
    NDArray qkv = ops.linear(normed, weights.qkv()); // [n, 3 * d_model]
    int token = 0;
    for (int g = 0; g < old.length; g++) {
      if (old[g] == 0) {
        continue;
      }
      CellGroup group = groups.get(g);
      int start = group.start();
      int positions = runs.length() - start;
      NDIndex tokens = new NDIndex("{}:{}", token, token + old[g] * positions);
      token += old[g] * positions;
      NDArray rows = qkv.get(tokens).reshape(old[g], positions, 3L * d);
      NDArray input = x.get(tokens).reshape(old[g], positions, d);
      NDList parts = rows.split(3, 2);
      NDArray q = parts.get(0);
      int[] asked = asked(group);
      if (asked.length < positions) {
        int[] columns = Arrays.stream(asked).map(p -> p - start).toArray();
        q = sweep.picked(q, columns);
        input = sweep.picked(input, columns);
      }
      NDArray k = withPrefix(HookKind.K, start, heads(parts.get(1)));
      NDArray v = withPrefix(HookKind.V, start, heads(parts.get(2)));
      NDArray mask = SweepRuns.mask(scope, asked, runs.length());
      NDArray z = ops.attention(heads(q), k, v, config.scoreScale(layer), mask);
      mixed.add(z.reshape(-1, d));
      inputs.add(input.reshape(-1, d));
    }
  }

  /** Puts the base run's keys or values before those of rows, [r, positions, h, d_head]. */
  private NDArray withPrefix(HookKind kind, int start, NDArray own) {
    if (start == 0) {
      return own;
    }
    Shape shape = new Shape(own.size(0), start, config.heads(), config.dHead());
    NDArray prefix = runs.base().at(scope, kind, layer, 0, start).broadcast(shape);
    return NDArrays.concat(new NDList(prefix, own), 1);
  }

  private NDArray afterMlp(NDArray mid) {
    NDArray normed = ops.layerNorm(mid, weights.ln2(), config.layerNormEpsilon());
    NDArray hidden = ops.linearActivated(normed, weights.mlpIn(), config.activation());
    return ops.linearPlus(mid, hidden, weights.mlpOut());
  }

  /** The residual stream where joining cells are patched, at the positions that they change. */
  private NDList patches(List<Joining> joining) {
    NDList patches = new NDList();
    for (Joining cells : joining) {
      patches.add(flat(patch(cells.group(), sweep.changed(cells.cells().get(0)))));
    }
    return patches;
  }

  private NDArray patch(CellGroup group, int changed) {
    int from = group.start();
    int to = from + changed;
    RecordedRun source = runs.source();
    return switch (sweep.activation()) {
      case RESID_PRE -> source.residual(scope, layer, from, to);
      case ATTN_OUT ->
          source.at(scope, HookKind.ATTN_OUT, layer, from, to).add(base(group, layer, 0, changed));
      // What follows resid_mid within the layer sees its own position only.
      case RESID_MID, RESID_POST -> source.residual(scope, layer + 1, from, to);
      case MLP_OUT ->
          source
              .at(scope, HookKind.MLP_OUT, layer, from, to)
              .add(runs.base().at(scope, HookKind.RESID_MID, layer, from, to));
      case Q, K, V, Z, PATTERN ->
          throw new IllegalStateException(sweep.activation() + " is per head");
    };
  }

  /**
   * Brings rows that join into their groups.
   *
   * @param x tokens of the rows under way, from the front; null for none
   * @param old rows under way of each group
   * @param patched what joining rows changed, [tokens, d_model]; null for none
   * @param depth layers run so far
   * @param pick true when only the read positions go on
   */
  private NDArray regrouped(
      NDArray x, int[] old, NDArray patched, List<Joining> joining, int depth, boolean pick) {
    NDList parts = new NDList();
    int token = 0;
    int patchedToken = 0;
    int next = 0;
    for (int g = 0; g < old.length; g++) {
      CellGroup group = groups.get(g);
      int width = pick ? asked(group).length : runs.length() - group.start();
      if (old[g] > 0) {
        parts.add(x.get(new NDIndex("{}:{}", token, token + old[g] * width)));
        token += old[g] * width;
      }
      if (next < joining.size() && joining.get(next).group() == group) {
        List<SweepCell> cells = joining.get(next++).cells();
        int changed = sweep.changed(cells.get(0));
        int end = patchedToken + cells.size() * changed;
        NDArray own = patched.get(new NDIndex("{}:{}", patchedToken, end));
        patchedToken = end;
        parts.add(
            completed(group, own.reshape(cells.size(), changed, config.dModel()), depth, pick));
      }
    }
    return parts.isEmpty() ? null : concat(parts);
  }

  /** Adds the base run's positions behind those that a patch changed, [tokens, d_model]. */
  private NDArray completed(CellGroup group, NDArray own, int depth, boolean pick) {
    int changed = (int) own.size(1);
    int positions = runs.length() - group.start();
    NDArray all = own;
    if (changed < positions) {
      NDArray rest = base(group, depth, changed, positions);
      Shape shape = new Shape(own.size(0), positions - changed, config.dModel());
      all = NDArrays.concat(new NDList(own, rest.broadcast(shape)), 1);
    }
    if (pick) {
      int start = group.start();
      int[] columns = Arrays.stream(sweep.readFrom(start)).map(p -> p - start).toArray();
      all = sweep.picked(all, columns);
    }
    return flat(all);
  }

  /** The base run's residual stream at some of a group's positions, [1, s, d_model]. */
  private NDArray base(CellGroup group, int depth, int from, int to) {
    return runs.base().residual(scope, depth, group.start() + from, group.start() + to);
  }

  private NDArray heads(NDArray x) {
    return x.reshape(x.size(0), x.size(1), config.heads(), config.dHead());
  }

  private NDArray flat(NDArray x) {
    return x.reshape(-1, config.dModel());
  }

  private static NDArray concat(NDList parts) {
    return parts.size() == 1 ? parts.singletonOrThrow() : NDArrays.concat(parts);
  }
}
