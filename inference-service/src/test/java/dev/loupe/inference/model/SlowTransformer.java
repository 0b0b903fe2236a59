package dev.loupe.inference.model;

import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * GPT-2's forward pass for one row, written as plainly as can be, in double and one loop at a time.
 * Each value may be replaced where its hook point lies.
 */
final class SlowTransformer {
  private final GptConfig config;
  private final Map<String, double[]> weights;
  private final Map<HookPoint, UnaryOperator<double[]>> edits = new HashMap<>();

  SlowTransformer(GptConfig config, Map<String, double[]> weights) {
    this.config = config;
    this.weights = weights;
  }

  /** Replaces the value at a hook point; arrays are row-major without the batch axis. */
  void edit(HookPoint point, UnaryOperator<double[]> edit) {
    edits.put(point, edit);
  }

  private double[] at(HookKind kind, int layer, double[] value) {
    UnaryOperator<double[]> edit = edits.get(new HookPoint(kind, layer));
    return edit == null ? value : edit.apply(value);
  }

  /** Logits [pos, d_vocab]. */
  double[] logits(int[] tokens) {
    int d = config.dModel();
    int n = tokens.length;
    double[] resid = new double[n * d];
    for (int p = 0; p < n; p++) {
      for (int i = 0; i < d; i++) {
        resid[p * d + i] =
            weights.get("wte.weight")[tokens[p] * d + i] + weights.get("wpe.weight")[p * d + i];
      }
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      resid = block(layer, resid, n);
    }
    double[] normed = norm(resid, n, "ln_f");
    String head = config.tiedEmbeddings() ? "wte.weight" : "lm_head.weight";
    double[] logits = new double[n * config.vocabularySize()];
    for (int p = 0; p < n; p++) {
      for (int v = 0; v < config.vocabularySize(); v++) {
        for (int i = 0; i < d; i++) {
          logits[p * config.vocabularySize() + v] +=
              normed[p * d + i] * weights.get(head)[v * d + i];
        }
      }
    }
    return logits;
  }

  private double[] block(int layer, double[] resid, int n) {
    int d = config.dModel();
    String block = "h." + layer + ".";
    double[] attnIn = at(HookKind.ATTN_IN, layer, perHead(resid, n));
    double[] q = project(layer, 0, at(HookKind.Q_INPUT, layer, attnIn), n);
    double[] k = project(layer, 1, at(HookKind.K_INPUT, layer, attnIn), n);
    double[] v = project(layer, 2, at(HookKind.V_INPUT, layer, attnIn), n);
    double[] z = at(HookKind.Z, layer, attend(layer, q, k, v, n));
    double[] result = at(HookKind.RESULT, layer, result(layer, z, n));
    double[] mid = resid.clone();
    for (int p = 0; p < n; p++) {
      for (int i = 0; i < d; i++) {
        mid[p * d + i] += weights.get(block + "attn.c_proj.bias")[i];
        for (int h = 0; h < config.heads(); h++) {
          mid[p * d + i] += result[(p * config.heads() + h) * d + i];
        }
      }
    }
    double[] mlpIn =
        at(HookKind.LN2_OUT, layer, norm(at(HookKind.MLP_IN, layer, mid), n, block + "ln_2"));
    double[] pre = linear(mlpIn, n, block + "mlp.c_fc", d, config.dMlp());
    for (int i = 0; i < pre.length; i++) {
      pre[i] = activate(pre[i]);
    }
    double[] out = linear(pre, n, block + "mlp.c_proj", config.dMlp(), d);
    for (int i = 0; i < out.length; i++) {
      out[i] += mid[i];
    }
    return out;
  }

  private double[] perHead(double[] resid, int n) {
    int d = config.dModel();
    double[] copies = new double[n * config.heads() * d];
    for (int p = 0; p < n; p++) {
      for (int h = 0; h < config.heads(); h++) {
        System.arraycopy(resid, p * d, copies, (p * config.heads() + h) * d, d);
      }
    }
    return copies;
  }

  /**
   * Queries (part 0), keys (1) or values (2), [pos, head, d_head], each head from its own input.
   */
  private double[] project(int layer, int part, double[] inputs, int n) {
    int d = config.dModel();
    int dHead = config.dHead();
    double[] normed =
        at(HookKind.LN1_OUT, layer, norm(inputs, n * config.heads(), "h." + layer + ".ln_1"));
    double[] weight = weights.get("h." + layer + ".attn.c_attn.weight");
    double[] bias = weights.get("h." + layer + ".attn.c_attn.bias");
    double[] out = new double[n * d];
    for (int p = 0; p < n; p++) {
      for (int h = 0; h < config.heads(); h++) {
        for (int e = 0; e < dHead; e++) {
          int column = part * d + h * dHead + e;
          double sum = bias[column];
          for (int i = 0; i < d; i++) {
            sum += normed[(p * config.heads() + h) * d + i] * weight[i * 3 * d + column];
          }
          out[(p * config.heads() + h) * dHead + e] = sum;
        }
      }
    }
    return out;
  }

  private double[] attend(int layer, double[] q, double[] k, double[] v, int n) {
    int heads = config.heads();
    int dHead = config.dHead();
    double[] z = new double[n * heads * dHead];
    for (int h = 0; h < heads; h++) {
      for (int query = 0; query < n; query++) {
        double[] scores = new double[query + 1];
        double sum = 0;
        for (int key = 0; key <= query; key++) {
          for (int e = 0; e < dHead; e++) {
            scores[key] += q[(query * heads + h) * dHead + e] * k[(key * heads + h) * dHead + e];
          }
          scores[key] = Math.exp(scores[key] * config.scoreScale(layer));
          sum += scores[key];
        }
        for (int key = 0; key <= query; key++) {
          for (int e = 0; e < dHead; e++) {
            z[(query * heads + h) * dHead + e] +=
                scores[key] / sum * v[(key * heads + h) * dHead + e];
          }
        }
      }
    }
    return z;
  }

  private double[] result(int layer, double[] z, int n) {
    int d = config.dModel();
    int dHead = config.dHead();
    double[] weight = weights.get("h." + layer + ".attn.c_proj.weight");
    double[] result = new double[n * config.heads() * d];
    for (int ph = 0; ph < n * config.heads(); ph++) {
      int h = ph % config.heads();
      for (int e = 0; e < dHead; e++) {
        for (int i = 0; i < d; i++) {
          result[ph * d + i] += z[ph * dHead + e] * weight[(h * dHead + e) * d + i];
        }
      }
    }
    return result;
  }

  private double[] norm(double[] x, int rows, String name) {
    int d = config.dModel();
    double[] out = new double[x.length];
    for (int r = 0; r < rows; r++) {
      double mean = 0;
      double variance = 0;
      for (int i = 0; i < d; i++) {
        mean += x[r * d + i] / d;
      }
      for (int i = 0; i < d; i++) {
        variance += Math.pow(x[r * d + i] - mean, 2) / d;
      }
      for (int i = 0; i < d; i++) {
        out[r * d + i] =
            (x[r * d + i] - mean)
                    / Math.sqrt(variance + config.layerNormEpsilon())
                    * weights.get(name + ".weight")[i]
                + weights.get(name + ".bias")[i];
      }
    }
    return out;
  }

  private double[] linear(double[] x, int rows, String name, int in, int out) {
    double[] y = new double[rows * out];
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < out; o++) {
        double sum = weights.get(name + ".bias")[o];
        for (int i = 0; i < in; i++) {
          sum += x[r * in + i] * weights.get(name + ".weight")[i * out + o];
        }
        y[r * out + o] = sum;
      }
    }
    return y;
  }

  private double activate(double x) {
    return switch (config.activation()) {
      case GELU_TANH ->
          0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case GELU_EXACT -> x * normal(x);
      case GELU_QUICK -> x / (1 + Math.exp(-1.702 * x));
      case RELU -> Math.max(0, x);
      case SILU -> x / (1 + Math.exp(-x));
      case TANH -> Math.tanh(x);
    };
  }

  /** The normal distribution function, by Simpson's rule from -9. */
  private static double normal(double x) {
    int steps = 2000;
    double from = -9;
    double width = (Math.max(x, from) - from) / steps;
    double sum = 0;
    for (int i = 0; i <= steps; i++) {
      double t = from + i * width;
      double weight = i == 0 || i == steps ? 1 : i % 2 == 0 ? 2 : 4;
      sum += weight * Math.exp(-t * t / 2);
    }
    return sum * width / 3 / Math.sqrt(2 * Math.PI);
  }
}
