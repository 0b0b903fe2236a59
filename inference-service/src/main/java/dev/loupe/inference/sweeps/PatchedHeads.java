package dev.loupe.inference.sweeps;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.TransformerOps;
import dev.loupe.inference.model.hooks.HookKind;
import java.util.List;

/**
 * The mixed values z of a layer in which one head is patched. Heads do not see each other within a
 * layer, so all heads are patched at once, and each cell takes its own head from the result.
 */
final class PatchedHeads {
  private final GptConfig config;
  private final TransformerOps ops;
  private final SweepRuns runs;
  private final PatchedActivation activation;

  PatchedHeads(GptConfig config, TransformerOps ops, SweepRuns runs, PatchedActivation activation) {
    this.config = config;
    this.ops = ops;
    this.runs = runs;
    this.activation = activation;
  }

  /**
   * z where it changes, for cells of one layer and one start.
   *
   * @return [cell, pos, head * d_head]
   */
  NDArray mixed(NDManager scope, List<SweepCell> cells, int changed) {
    SweepCell first = cells.get(0);
    int start = runs.start(first);
    int end = start + changed;
    int layer = first.layer();
    NDArray patched = allPatched(scope, layer, start, end, patchEnd(first));
    NDArray plain = runs.base().at(scope, HookKind.Z, layer, start, end); // [1, pos, h, d_head]
    boolean[] chosen = new boolean[cells.size() * config.heads()];
    for (int i = 0; i < cells.size(); i++) {
      chosen[i * config.heads() + cells.get(i).head()] = true;
    }
    Shape shape = new Shape(cells.size(), end - start, config.heads(), config.dHead());
    NDArray mask =
        scope.create(chosen, new Shape(cells.size(), 1, config.heads(), 1)).broadcast(shape);
    return NDArrays.where(mask, patched.broadcast(shape), plain.broadcast(shape))
        .reshape(cells.size(), end - start, config.dModel());
  }

  private int patchEnd(SweepCell cell) {
    return cell.position() == SweepCell.ALL ? runs.length() : cell.position() + 1;
  }

  /** z [1, pos, head, d_head] with every head patched at the positions from start to patchEnd. */
  private NDArray allPatched(NDManager scope, int layer, int start, int end, int patchEnd) {
    RecordedRun base = runs.base();
    RecordedRun source = runs.source();
    double scale = config.scoreScale(layer);
    NDArray mask = SweepRuns.mask(scope, SweepRuns.range(start, end), end);
    return switch (activation) {
      case Z -> source.at(scope, HookKind.Z, layer, start, end);
      case Q ->
          ops.attention(
              source.at(scope, HookKind.Q, layer, start, end),
              base.at(scope, HookKind.K, layer, 0, end),
              base.at(scope, HookKind.V, layer, 0, end),
              scale,
              mask);
      case K ->
          ops.attention(
              base.at(scope, HookKind.Q, layer, start, end),
              spliced(scope, HookKind.K, layer, start, patchEnd),
              base.at(scope, HookKind.V, layer, 0, end),
              scale,
              mask);
      case V ->
          ops.attention(
              base.at(scope, HookKind.Q, layer, start, end),
              base.at(scope, HookKind.K, layer, 0, end),
              spliced(scope, HookKind.V, layer, start, patchEnd),
              scale,
              mask);
      case PATTERN -> {
        NDArray scores =
            ops.scores(
                source.at(scope, HookKind.Q, layer, start, end),
                source.at(scope, HookKind.K, layer, 0, end),
                scale,
                mask);
        yield ops.mix(ops.pattern(scores, false), base.at(scope, HookKind.V, layer, 0, end));
      }
      case RESID_PRE, RESID_MID, RESID_POST, ATTN_OUT, MLP_OUT ->
          throw new IllegalStateException(activation + " is not per head");
    };
  }

  /** All positions of keys or values, those from {@code from} to {@code to} of the source. */
  private NDArray spliced(NDManager scope, HookKind kind, int layer, int from, int to) {
    NDList parts = new NDList();
    if (from > 0) {
      parts.add(runs.base().at(scope, kind, layer, 0, from));
    }
    parts.add(runs.source().at(scope, kind, layer, from, to));
    if (to < runs.length()) {
      parts.add(runs.base().at(scope, kind, layer, to, runs.length()));
    }
    return NDArrays.concat(parts, 1);
  }
}
