package dev.loupe.inference.sweeps;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.metrics.MetricReader;
import dev.loupe.inference.metrics.Place;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.scheduling.PassCost;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Activation patching of a whole grid (Meng et al. 2022; Wang et al. 2022): for each cell, one run
 * with one activation replaced by the other run's, and the metric of its logits. A cell costs what
 * its patch can change and no more: layers before it, and positions before it, are not run again.
 */
public final class PatchingSweep {
  /** Cells that are handed over at once, at most; those that change nothing cost nothing. */
  private static final int MAX_PART = 4096;

  private final HookedTransformer model;
  private final SweepRequest request;
  private final int[] read;
  private final int length;
  private final SweepCost cost;

  /**
   * A sweep.
   *
   * @throws dev.loupe.inference.metrics.InvalidMetricException when the metric does not fit
   */
  public PatchingSweep(HookedTransformer model, SweepRequest request) {
    this.model = model;
    this.request = request;
    this.read =
        reader(List.of(request.corrupt())).places().stream().mapToInt(Place::position).toArray();
    this.length = Arrays.stream(read).max().orElseThrow() + 1;
    this.cost = new SweepCost(model.config(), length, read.length);
  }

  /** The most memory that the sweep takes at once. */
  public PassCost cost() {
    return cost.total(points());
  }

  /**
   * Runs the sweep.
   *
   * @param scope owns what lasts as long as the sweep
   */
  public void run(NDManager scope, DeviceTurns turns, SweepOutput output) {
    double[] metrics = new double[2];
    List<Sweep> sweeps = new ArrayList<>(1);
    turns.run(2, 2 * length, control -> sweeps.add(prepare(scope, control, metrics)));
    output.runs(metrics[0], metrics[1]);
    double unchanged = metrics[1];
    int size = request.grid().size();
    for (int cell = request.firstCell(); cell < size; ) {
      Part part = part(sweeps.get(0), cell);
      double[] values = new double[part.end() - cell];
      Arrays.fill(values, unchanged);
      if (!part.changing().isEmpty()) {
        int first = cell;
        turns.run(
            part.changing().size(),
            part.tokens(),
            control -> fill(scope, sweeps.get(0), part.changing(), first, control, values));
      }
      output.cells(cell, values);
      cell = part.end();
    }
  }

  /** Cells from one to before {@code end}; only the changing ones are run. */
  private record Part(int end, List<Integer> changing, int tokens) {}

  private Part part(Sweep sweep, int begin) {
    SweepGrid grid = request.grid();
    SweepCost.Filling filling = cost.new Filling();
    List<Integer> changing = new ArrayList<>();
    int tokens = 0;
    int most = Math.min(grid.size(), begin + MAX_PART);
    for (int index = begin; index < most; index++) {
      SweepCell cell = grid.cell(index);
      if (sweep.canChange(cell)) {
        int start = sweep.runs().start(cell);
        if (!filling.take(start)) {
          return new Part(index, changing, tokens);
        }
        tokens += length - start;
        changing.add(index);
      }
    }
    return new Part(most, changing, tokens);
  }

  private void fill(
      NDManager scope,
      Sweep sweep,
      List<Integer> changing,
      int first,
      PassControl control,
      double[] values) {
    try (NDManager local = scope.newSubManager()) {
      List<SweepCell> cells = changing.stream().map(request.grid()::cell).toList();
      NDArray resid = new SweepChunk(sweep, cells).run(local, control);
      double[] metrics = metrics(resid, Collections.nCopies(cells.size(), request.corrupt()));
      for (int i = 0; i < metrics.length; i++) {
        values[changing.get(i) - first] = metrics[i];
      }
    }
  }

  /** Runs both rows, and reads their metrics: the clean one's, then the corrupt one's. */
  private Sweep prepare(NDManager scope, PassControl control, double[] metrics) {
    HookProgram.Builder program = HookProgram.builder(model.config());
    points().forEach(program::capture);
    ForwardOptions options =
        ForwardOptions.plain().with(program.build()).with(LogitsMode.NONE).with(control);
    List<int[]> rows = List.of(request.clean(), request.corrupt());
    TokenBatch batch = TokenBatch.of(rows.stream().map(row -> Arrays.copyOf(row, length)).toList());
    Map<HookPoint, NDArray> captures = model.forward(scope, batch, options).captures();
    RecordedRun clean = new RecordedRun(model.config(), captures, 0);
    RecordedRun corrupt = new RecordedRun(model.config(), captures, 1);
    SweepRuns runs = new SweepRuns(corrupt, clean, length, firstDifference());
    Sweep sweep = new Sweep(model, runs, request.grid().activation(), read);
    try (NDManager local = scope.newSubManager()) {
      NDArray last = captures.get(HookPoint.of(HookKind.RESID_POST, model.config().layers() - 1));
      NDArray view = last.get(local, new NDIndex(":"));
      double[] values = metrics(sweep.picked(view, read), rows);
      System.arraycopy(values, 0, metrics, 0, metrics.length);
    }
    return sweep;
  }

  private int firstDifference() {
    int at = Arrays.mismatch(request.clean(), request.corrupt());
    return at < 0 ? length : Math.min(at, length);
  }

  /** Metrics of rows, from their residual streams after the last layer, [row, read, d_model]. */
  private double[] metrics(NDArray resid, List<int[]> rows) {
    NDArray normed =
        model.ops().layerNorm(resid, model.weights().lnFinal(), model.config().layerNormEpsilon());
    return reader(rows).values(normed.reshape(-1, model.config().dModel()));
  }

  private MetricReader reader(List<int[]> rows) {
    return new MetricReader(model, rows, Collections.nCopies(rows.size(), request.metric()));
  }

  /** What is kept of both runs. */
  private List<HookPoint> points() {
    Set<HookKind> kinds = EnumSet.of(HookKind.RESID_PRE, HookKind.K, HookKind.V);
    PatchedActivation activation = request.grid().activation();
    if (activation == PatchedActivation.ATTN_OUT || activation == PatchedActivation.MLP_OUT) {
      kinds.add(activation.kind());
    }
    if (activation.isPerHead()) {
      kinds.add(HookKind.Z);
      kinds.add(HookKind.Q);
    }
    if (activation == PatchedActivation.MLP_OUT) {
      kinds.add(HookKind.RESID_MID);
    }
    List<HookPoint> points = new ArrayList<>();
    for (HookKind kind : kinds) {
      for (int layer = 0; layer < model.config().layers(); layer++) {
        points.add(HookPoint.of(kind, layer));
      }
    }
    points.add(HookPoint.of(HookKind.RESID_POST, model.config().layers() - 1));
    return points;
  }
}
