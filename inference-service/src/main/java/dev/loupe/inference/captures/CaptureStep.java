package dev.loupe.inference.captures;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.tensor.NdArrays;

/** One step from an activation to what is kept of it. */
interface CaptureStep {

  /**
   * The layout after the step.
   *
   * @throws InvalidCaptureException when the step does not fit the layout
   */
  CaptureLayout layout(CaptureLayout before);

  /** The value after the step; a view or a new array. */
  NDArray apply(NDArray value, CaptureLayout before, PassRows rows);

  /** The mean over rows. */
  record OverRows(String field) implements CaptureStep {
    @Override
    public CaptureLayout layout(CaptureLayout before) {
      int axis = before.axis(HookAxis.BATCH);
      if (axis < 0) {
        throw gone(field, "batch");
      }
      if (before.padded()) {
        throw new InvalidCaptureException(
            InvalidCaptureException.Kind.VALUE,
            field,
            "the rows are of different lengths, so their mean needs positions to be selected or"
                + " averaged first");
      }
      return before.without(axis);
    }

    @Override
    public NDArray apply(NDArray value, CaptureLayout before, PassRows rows) {
      return value.mean(new int[] {before.axis(HookAxis.BATCH)});
    }
  }

  /** The mean over positions. */
  record OverPositions(String field) implements CaptureStep {
    @Override
    public CaptureLayout layout(CaptureLayout before) {
      int axis = before.positionAxis();
      if (axis < 0) {
        throw gone(field, "pos");
      }
      return before.without(axis).unpadded();
    }

    @Override
    public NDArray apply(NDArray value, CaptureLayout before, PassRows rows) {
      int axis = before.positionAxis();
      if (!before.padded()) {
        return value.mean(new int[] {axis});
      }
      NDList means = new NDList();
      for (int row = 0; row < rows.rows(); row++) {
        NDArray own = AxisSlices.range(value, 0, row, row + 1);
        means.add(AxisSlices.range(own, axis, 0, rows.counts()[row]).mean(new int[] {axis}));
      }
      return NDArrays.concat(means, 0);
    }
  }

  /** Euclidean lengths. */
  record Lengths() implements CaptureStep {
    @Override
    public CaptureLayout layout(CaptureLayout before) {
      return before.resized(before.sizes().size() - 1, 1);
    }

    @Override
    public NDArray apply(NDArray value, CaptureLayout before, PassRows rows) {
      return value.mul(value).sum(new int[] {-1}, true).sqrt();
    }
  }

  /** Dot products. */
  record Products(String field, Reduction.Dot dot) implements CaptureStep {
    @Override
    public CaptureLayout layout(CaptureLayout before) {
      int last = before.sizes().size() - 1;
      CaptureLayout spanned = before;
      if (spansHeads(before)) {
        spanned = before.without(last - 1);
        last--;
      } else if (before.last() != dot.width()) {
        throw new InvalidCaptureException(
            InvalidCaptureException.Kind.WRONG_SHAPE,
            field,
            "the vectors have %d values; expected %d, the last axis (%s)"
                .formatted(dot.width(), before.last(), before.labels().get(last)));
      }
      return spanned.resized(last, "vector", dot.count());
    }

    @Override
    public NDArray apply(NDArray value, CaptureLayout before, PassRows rows) {
      NDArray x = value;
      if (spansHeads(before)) {
        Shape shape = value.getShape();
        x = value.reshape(shape.slice(0, shape.dimension() - 2).add(dot.width()));
      }
      NDArray vectors =
          NdArrays.of(value.getManager(), dot.vectors(), new Shape(dot.count(), dot.width()));
      return x.matMul(vectors.transpose());
    }

    private boolean spansHeads(CaptureLayout before) {
      int last = before.sizes().size() - 1;
      int head = before.axis(HookAxis.HEAD);
      return before.last() != dot.width()
          && head >= 0
          && head == last - 1
          && before.last() * before.sizes().get(head) == dot.width();
    }
  }

  private static InvalidCaptureException gone(String field, String axis) {
    return new InvalidCaptureException(
        InvalidCaptureException.Kind.VALUE,
        field,
        "there is no axis %s to take the mean over; it was averaged before".formatted(axis));
  }
}
