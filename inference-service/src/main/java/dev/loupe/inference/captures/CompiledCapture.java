package dev.loupe.inference.captures;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.ActivationReader;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.PassRows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A capture that fits its hook point. It gives one array, or two: the largest entries and their
 * places.
 */
public final class CompiledCapture implements ActivationReader {
  private static final int MOST_LARGEST = 1_000;

  private final GptConfig config;
  private final Capture capture;
  private final List<CaptureStep> steps = new ArrayList<>();
  private int largest;

  private CompiledCapture(GptConfig config, Capture capture) {
    this.config = config;
    this.capture = capture;
  }

  /**
   * Checks a capture and makes it ready.
   *
   * @throws InvalidCaptureException when it does not fit its hook point
   */
  public static CompiledCapture of(GptConfig config, Capture capture) {
    CompiledCapture compiled = new CompiledCapture(config, capture);
    compiled.checkHeads();
    compiled.compile();
    compiled.checkFixedAxes();
    return compiled;
  }

  /** What was asked for. */
  public Capture capture() {
    return capture;
  }

  /** True when the places of the largest entries come beside the values. */
  public boolean givesIndices() {
    return largest > 0;
  }

  /**
   * Axes of the values (and of the indices) for rows of these lengths.
   *
   * @throws InvalidCaptureException when the rows have not what the capture selects
   */
  public CaptureLayout layout(PassRows rows) {
    columns(rows);
    return layout(rows.rows(), rows.columns(), rows.ragged());
  }

  /** Axes of what is kept of a value of this shape, which the rows of a pass have. */
  public CaptureLayout layout(long[] shape, PassRows rows) {
    return reduced(CaptureLayout.of(kind(), shape, rows.ragged()));
  }

  @Override
  public double elements(int rows, int width) {
    double elements = layout(rows, width, false).elements();
    return givesIndices() ? 2 * elements : elements;
  }

  private CaptureLayout layout(int rows, int width, boolean padded) {
    return reduced(CaptureLayout.of(kind(), config, rows, width, padded));
  }

  private CaptureLayout reduced(CaptureLayout whole) {
    CaptureLayout layout = selected(whole);
    for (CaptureStep step : steps) {
      layout = step.layout(layout);
    }
    if (largest > 0) {
      checkLargest(layout);
      layout = layout.resized(layout.sizes().size() - 1, largest);
    }
    return layout;
  }

  private void checkLargest(CaptureLayout layout) {
    if (largest > layout.last()) {
      throw new InvalidCaptureException(
          InvalidCaptureException.Kind.VALUE,
          "largest.count",
          "largest.count is %d; expected 1 to %d, the length of the last axis (%s)"
              .formatted(largest, layout.last(), layout.labels().get(layout.labels().size() - 1)));
    }
  }

  @Override
  public List<NDArray> read(NDArray value, PassRows rows) {
    int[][] columns = columns(rows);
    if (columns != null && columns[0].length == 0) {
      return List.of();
    }
    if (capture.isWhole()) {
      return List.of(value);
    }
    CaptureLayout layout =
        selected(CaptureLayout.of(kind(), value.getShape().getShape(), rows.ragged()));
    NDArray result = picked(value, columns);
    for (CaptureStep step : steps) {
      result = step.apply(result, layout, rows);
      layout = step.layout(layout);
    }
    if (largest > 0) {
      checkLargest(layout);
      return largest(result);
    }
    return List.of(steps.isEmpty() ? result.duplicate() : result); // a slice would keep it all
  }

  private List<NDArray> largest(NDArray value) {
    NDList top = value.abs().topK(largest, -1, true, true);
    NDArray places = top.get(1); // [..., count], I64
    int axis = value.getShape().dimension() - 1;
    return List.of(value.gather(places, axis), places.toType(DataType.INT32, false));
  }

  private NDArray picked(NDArray value, int[][] columns) {
    NDArray result = value;
    if (!capture.heads().isEmpty()) {
      int[] heads = capture.heads().stream().mapToInt(Integer::intValue).toArray();
      result = AxisSlices.pick(result, kind().headAxis(), heads);
    }
    if (columns == null) {
      return result;
    }
    int axis = kind().positionAxis();
    if (Arrays.stream(columns).allMatch(row -> Arrays.equals(row, columns[0]))) {
      return AxisSlices.pick(result, axis, columns[0]);
    }
    NDList ofRows = new NDList();
    for (int row = 0; row < columns.length; row++) {
      NDArray own = AxisSlices.range(result, 0, row, row + 1);
      ofRows.add(AxisSlices.pick(own, axis, columns[row]));
    }
    return NDArrays.concat(ofRows, 0);
  }

  private CaptureLayout selected(CaptureLayout whole) {
    CaptureLayout layout = whole;
    if (!capture.heads().isEmpty()) {
      layout = layout.resized(kind().headAxis(), capture.heads().size());
    }
    if (!capture.positions().isEmpty()) {
      layout = layout.resized(kind().positionAxis(), capture.positions().size()).unpadded();
    }
    return layout;
  }

  private HookKind kind() {
    return capture.point().kind();
  }

  /** The selected columns of each row; null for all. */
  private int[][] columns(PassRows rows) {
    if (capture.positions().isEmpty()) {
      return null;
    }
    int[][] columns = new int[rows.rows()][];
    for (int row = 0; row < columns.length; row++) {
      int[] found = new int[capture.positions().size()];
      int count = 0;
      for (int position : capture.positions()) {
        int length = rows.length(row);
        int absolute = position < 0 ? length + position : position;
        int column = absolute - rows.starts()[row];
        if (!rows.partial() && (absolute < 0 || absolute >= length)) {
          throw new InvalidCaptureException(
              InvalidCaptureException.Kind.POSITION,
              "positions",
              "positions holds %d; row %d has %d tokens, so expected %d to %d"
                  .formatted(position, row, length, -length, length - 1));
        }
        if (column >= 0 && column < rows.counts()[row]) {
          found[count++] = column;
        }
      }
      columns[row] = Arrays.copyOf(found, count);
      if (count != columns[0].length) {
        throw new InvalidCaptureException(
            InvalidCaptureException.Kind.POSITION,
            "positions",
            "in this step row %d has %d of the positions %s, but row 0 has %d; expected positions that all rows reach together, such as -1"
                .formatted(row, count, capture.positions(), columns[0].length));
      }
    }
    return columns;
  }

  private void checkHeads() {
    if (!capture.heads().isEmpty() && kind().headAxis() < 0) {
      throw new InvalidCaptureException(
          InvalidCaptureException.Kind.VALUE,
          "heads",
          "heads are given, but %s has no head axis".formatted(capture.point()));
    }
    for (int head : capture.heads()) {
      if (head < 0 || head >= config.heads()) {
        throw new InvalidCaptureException(
            InvalidCaptureException.Kind.HEAD,
            "heads",
            "heads holds %d; expected 0 to %d".formatted(head, config.heads() - 1));
      }
    }
  }

  private void compile() {
    for (int i = 0; i < capture.reductions().size(); i++) {
      String field = "reductions[" + i + "]";
      if (largest > 0) {
        throw new InvalidCaptureException(
            InvalidCaptureException.Kind.VALUE,
            field,
            field + " follows largest, which must be the last reduction");
      }
      Reduction reduction = capture.reductions().get(i);
      if (reduction instanceof Reduction.Largest top) {
        if (top.count() < 1 || top.count() > MOST_LARGEST) {
          throw new InvalidCaptureException(
              InvalidCaptureException.Kind.VALUE,
              field + ".largest.count",
              "%s.largest.count is %d; expected 1 to %d"
                  .formatted(field, top.count(), MOST_LARGEST));
        }
        largest = top.count();
      } else {
        steps.add(step(field, reduction));
      }
    }
  }

  private static CaptureStep step(String field, Reduction reduction) {
    if (reduction instanceof Reduction.MeanOverRows) {
      return new CaptureStep.OverRows(field + ".mean");
    }
    if (reduction instanceof Reduction.MeanOverPositions) {
      return new CaptureStep.OverPositions(field + ".mean");
    }
    if (reduction instanceof Reduction.Dot dot) {
      for (float value : dot.vectors()) {
        if (!Float.isFinite(value)) {
          throw new InvalidCaptureException(
              InvalidCaptureException.Kind.NOT_FINITE,
              field + ".dot.vectors",
              field + ".dot.vectors holds " + value + "; expected finite numbers");
        }
      }
      return new CaptureStep.Products(field + ".dot.vectors", dot);
    }
    return new CaptureStep.Lengths();
  }

  /** Finds what cannot fit whatever the tokens are, before any of them is known. */
  private void checkFixedAxes() {
    if (!kind().isAttentionMap()) {
      layout(1, config.contextLength(), false);
    }
  }
}
