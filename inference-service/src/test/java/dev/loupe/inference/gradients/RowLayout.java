package dev.loupe.inference.gradients;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookKind;

/** How rows' own values lie in a padded batch's value at a hook point, row-major. */
record RowLayout(HookKind kind, GptConfig config, int width) {

  /** A row's own part of a batch's value. */
  float[] ofRow(float[] batch, int row, int length) {
    int[] places = places(row, length);
    float[] values = new float[places.length];
    for (int i = 0; i < places.length; i++) {
      values[i] = batch[places[i]];
    }
    return values;
  }

  /** The same in double. */
  double[] ofRow(double[] batch, int row, int length) {
    int[] places = places(row, length);
    double[] values = new double[places.length];
    for (int i = 0; i < places.length; i++) {
      values[i] = batch[places[i]];
    }
    return values;
  }

  /** Writes a row's own value into the batch's. */
  void put(double[] batch, int row, int length, double[] own) {
    int[] places = places(row, length);
    for (int i = 0; i < places.length; i++) {
      batch[places[i]] = own[i];
    }
  }

  /** The shape of a batch's value. */
  int[] shape(int rows) {
    int[] own = ofOne(width);
    int[] shape = new int[own.length + 1];
    shape[0] = rows;
    System.arraycopy(own, 0, shape, 1, own.length);
    return shape;
  }

  /** Where a row's own entries lie. */
  private int[] places(int row, int length) {
    int[] padded = ofOne(width);
    int[] own = ofOne(length);
    int count = 1;
    int stride = 1;
    for (int axis = 0; axis < own.length; axis++) {
      count *= own[axis];
      stride *= padded[axis];
    }
    int[] places = new int[count];
    for (int i = 0; i < count; i++) {
      int rest = i;
      int index = 0;
      int step = 1;
      for (int axis = own.length - 1; axis >= 0; axis--) {
        index += rest % own[axis] * step;
        rest /= own[axis];
        step *= padded[axis];
      }
      places[i] = row * stride + index;
    }
    return places;
  }

  /** Without the batch axis. */
  private int[] ofOne(int length) {
    return kind.axes().stream().skip(1).mapToInt(axis -> extent(axis, length)).toArray();
  }

  private int extent(HookAxis axis, int length) {
    return switch (axis) {
      case POS, QUERY, KEY -> length;
      default -> axis.size(config);
    };
  }
}
