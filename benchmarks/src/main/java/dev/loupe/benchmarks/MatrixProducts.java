package dev.loupe.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.tensor.TensorEngine;
import dev.loupe.tensor.kernels.TorchKernels;
import java.util.ArrayList;
import java.util.List;

/**
 * The bound: a pass's matrix products alone, of the same shapes, each from contiguous arrays into
 * an array that was there before. Scores and pattern-times-value products are full, not halved by
 * the mask. Every layer has weights of its own, as in a model, so that no cache holds them.
 */
final class MatrixProducts implements AutoCloseable {
  private final NDManager manager = TensorEngine.newManager();
  private final TorchKernels kernels = TorchKernels.load(MatrixProducts.class, "bound.pt");
  private final List<Product> products = new ArrayList<>();

  /** [m, k] times [k, n], or batches of them. */
  private record Product(NDArray a, NDArray b, NDArray out) {}

  /**
   * The products of a pass.
   *
   * @param queries positions that run
   * @param keys positions that they see
   * @param logitPositions positions that logits are made for, in each row
   */
  MatrixProducts(GptConfig config, int rows, int queries, int keys, int logitPositions) {
    int d = config.dModel();
    int tokens = rows * queries;
    int maps = rows * config.heads();
    NDArray wide = random(tokens, d);
    NDArray hidden = random(tokens, config.dMlp());
    NDArray query = random(maps, queries, config.dHead());
    NDArray key = random(maps, config.dHead(), keys);
    NDArray pattern = random(maps, queries, keys);
    NDArray value = random(maps, keys, config.dHead());
    for (int layer = 0; layer < config.layers(); layer++) {
      add(wide, random(d, 3 * d));
      add(query, key);
      add(pattern, value);
      add(wide, random(d, d));
      add(wide, random(d, config.dMlp()));
      add(hidden, random(config.dMlp(), d));
    }
    add(random(rows * logitPositions, d), random(config.vocabularySize(), d).transpose());
  }

  private NDArray random(long... shape) {
    return manager.randomNormal(new Shape(shape));
  }

  private void add(NDArray a, NDArray b) {
    long[] shape = a.getShape().getShape().clone();
    shape[shape.length - 1] = b.getShape().get(b.getShape().dimension() - 1);
    products.add(new Product(a, b, manager.zeros(new Shape(shape))));
  }

  /** Computes them all once. */
  void run() {
    for (Product product : products) {
      kernels.call("product").with(product.out).with(product.a).with(product.b).run();
    }
  }

  /** Multiplications of numbers in all products. */
  long multiplications() {
    return products.stream()
        .mapToLong(
            product ->
                product.out.size() * product.a.getShape().get(product.a.getShape().dimension() - 1))
        .sum();
  }

  @Override
  public void close() {
    manager.close();
    kernels.close();
  }
}
