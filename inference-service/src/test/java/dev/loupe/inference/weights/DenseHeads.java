package dev.loupe.inference.weights;

import dev.loupe.inference.model.GptConfig;
import java.util.function.Function;

/** Heads' matrices multiplied out in double, one loop at a time. Matrices are [row][column]. */
final class DenseHeads {
  private final GptConfig config;
  private final Function<String, double[]> weights;

  DenseHeads(GptConfig config, Function<String, double[]> weights) {
    this.config = config;
    this.weights = weights;
  }

  /** W_V W_O, [d_model][d_model]. */
  double[][] ov(int layer, int head) {
    return times(part(layer, head, 2), out(layer, head));
  }

  /** W_Q W_K^T, [d_model][d_model]. */
  double[][] qk(int layer, int head) {
    return times(part(layer, head, 0), transposed(part(layer, head, 1)));
  }

  /** W_E, [d_vocab][d_model]. */
  double[][] embedding() {
    return matrix("wte.weight", config.dModel());
  }

  /** W_U, [d_model][d_vocab]. */
  double[][] unembedding() {
    String name = config.tiedEmbeddings() ? "wte.weight" : "lm_head.weight";
    return transposed(matrix(name, config.dModel()));
  }

  /** W_Q, W_K or W_V of a head, [d_model][d_head]. */
  private double[][] part(int layer, int head, int part) {
    double[][] all = matrix("h." + layer + ".attn.c_attn.weight", 3 * config.dModel());
    double[][] own = new double[config.dModel()][config.dHead()];
    for (int i = 0; i < own.length; i++) {
      for (int j = 0; j < config.dHead(); j++) {
        own[i][j] = all[i][part * config.dModel() + head * config.dHead() + j];
      }
    }
    return own;
  }

  /** W_O of a head, [d_head][d_model]. */
  private double[][] out(int layer, int head) {
    double[][] all = matrix("h." + layer + ".attn.c_proj.weight", config.dModel());
    double[][] own = new double[config.dHead()][];
    for (int i = 0; i < own.length; i++) {
      own[i] = all[head * config.dHead() + i];
    }
    return own;
  }

  /** A stored weight. */
  double[][] matrix(String name, int columns) {
    double[] flat = weights.apply(name);
    double[][] matrix = new double[flat.length / columns][columns];
    for (int i = 0; i < flat.length; i++) {
      matrix[i / columns][i % columns] = flat[i];
    }
    return matrix;
  }

  static double[][] times(double[][] a, double[][] b) {
    double[][] product = new double[a.length][b[0].length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < b[0].length; j++) {
        for (int k = 0; k < b.length; k++) {
          product[i][j] += a[i][k] * b[k][j];
        }
      }
    }
    return product;
  }

  static double[][] transposed(double[][] a) {
    double[][] turned = new double[a[0].length][a.length];
    for (int i = 0; i < a.length; i++) {
      for (int j = 0; j < a[0].length; j++) {
        turned[j][i] = a[i][j];
      }
    }
    return turned;
  }

  static double trace(double[][] a) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i][i];
    }
    return sum;
  }

  /** The Frobenius norm. */
  static double norm(double[][] a) {
    double sum = 0;
    for (double[] row : a) {
      for (double value : row) {
        sum += value * value;
      }
    }
    return Math.sqrt(sum);
  }
}
