package dev.loupe.inference.captures;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Names and sizes of a captured value's axes.
 *
 * @param labels one for each axis, slowest first
 * @param sizes one for each axis
 * @param padded true while shorter rows still hold padding along the positions
 */
public record CaptureLayout(List<String> labels, List<Long> sizes, boolean padded) {

  /** Takes its own copies of the lists. */
  public CaptureLayout {
    labels = List.copyOf(labels);
    sizes = List.copyOf(sizes);
  }

  /** A hook point's whole value. */
  static CaptureLayout of(HookKind kind, GptConfig config, int rows, int width, boolean padded) {
    List<String> labels = new ArrayList<>();
    List<Long> sizes = new ArrayList<>();
    for (HookAxis axis : kind.axes()) {
      labels.add(axis.label());
      sizes.add(
          switch (axis) {
            case BATCH -> (long) rows;
            case POS, QUERY, KEY -> (long) width;
            default -> (long) axis.size(config);
          });
    }
    return new CaptureLayout(labels, sizes, padded);
  }

  /** A hook point's whole value of a known shape. */
  static CaptureLayout of(HookKind kind, long[] shape, boolean padded) {
    return new CaptureLayout(
        kind.axes().stream().map(HookAxis::label).toList(),
        Arrays.stream(shape).boxed().toList(),
        padded);
  }

  /** Numbers that the value holds. */
  public double elements() {
    double elements = 1;
    for (long size : sizes) {
      elements *= size;
    }
    return elements;
  }

  /** An axis's place, or -1. */
  int axis(HookAxis axis) {
    return labels.indexOf(axis.label());
  }

  /** The place of the axis that counts positions, or -1 when it is gone. */
  int positionAxis() {
    return Math.max(axis(HookAxis.POS), axis(HookAxis.QUERY));
  }

  long last() {
    return sizes.get(sizes.size() - 1);
  }

  CaptureLayout resized(int axis, String label, long size) {
    List<String> newLabels = new ArrayList<>(labels);
    List<Long> newSizes = new ArrayList<>(sizes);
    newLabels.set(axis, label);
    newSizes.set(axis, size);
    return new CaptureLayout(newLabels, newSizes, padded);
  }

  CaptureLayout resized(int axis, long size) {
    return resized(axis, labels.get(axis), size);
  }

  CaptureLayout without(int axis) {
    List<String> newLabels = new ArrayList<>(labels);
    List<Long> newSizes = new ArrayList<>(sizes);
    newLabels.remove(axis);
    newSizes.remove(axis);
    return new CaptureLayout(newLabels, newSizes, padded);
  }

  CaptureLayout unpadded() {
    return new CaptureLayout(labels, sizes, false);
  }
}
