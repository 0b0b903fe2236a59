package dev.loupe.tensor;

import java.util.HashSet;
import java.util.List;

/**
 * A host tensor whose dimensions have names.
 *
 * @param tensor the values
 * @param axes one distinct name for each dimension, slowest first, such as {@code batch}, {@code
 *     pos}, {@code d_model}
 */
public record LabelledTensor(HostTensor tensor, List<String> axes) {

  /** Checks that each dimension has one name. */
  public LabelledTensor {
    axes = List.copyOf(axes);
    if (axes.size() != tensor.shape().length) {
      throw new IllegalArgumentException(
          "%d axis names for %d dimensions".formatted(axes.size(), tensor.shape().length));
    }
    if (new HashSet<>(axes).size() != axes.size()) {
      throw new IllegalArgumentException("axis names repeat: " + axes);
    }
  }
}
