package dev.loupe.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.tensor.TensorEngine;
import dev.loupe.tensor.kernels.TorchKernels;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The bound: a pass's matrix products alone, of the same shapes, each in the fastest way that the
 * engine has for its shape on this machine. Scores and pattern-times-value products are full, not
 * halved by the mask. Every layer has weights of its own, as in a model, so that no cache holds
 * them.
 */
final class MatrixProducts implements AutoCloseable {
  private final NDManager manager = TensorEngine.newManager();
  private final TorchKernels kernels = ProductWay.kernels();
  private final List<Product> products = new ArrayList<>();

  private final Map<List<Shape>, ProductWay> ways = new HashMap<>(); // by the operands' shapes

  /** [m, k] times [k, n], or batches of them. */
  private record Product(NDArray a, NDArray b, NDArray out, ProductWay way) {}

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
    NDArray out = manager.zeros(new Shape(shape));
    ProductWay way =
        ways.computeIfAbsent(
            List.of(a.getShape(), b.getShape()), shapes -> ProductWay.fastest(kernels, a, b, out));
    products.add(new Product(a, b, out, way));
  }

  /** Computes them all once. */
  void run() {
    for (Product product : products) {
      product.way.run(kernels, product.a, product.b, product.out);
    }
  }

  /** How many are made in a way. */
  long madeBy(ProductWay way) {
    return products.stream().filter(product -> product.way == way).count();
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
