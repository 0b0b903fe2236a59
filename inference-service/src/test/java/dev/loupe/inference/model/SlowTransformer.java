package dev.loupe.inference.model;

import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * GPT-2's forward pass for one row, written as plainly as can be, in double and one loop at a time.
 * Each value may be replaced where its hook point lies.
 */
public final class SlowTransformer {
  private final GptConfig config;
  private final Map<String, double[]> weights;
  private final Map<HookPoint, UnaryOperator<double[]>> edits = new HashMap<>();

  /** A model of these weights. */
  public SlowTransformer(GptConfig config, Map<String, double[]> weights) {
    this.config = config;
    this.weights = weights;
  }

  /** Replaces the value at a hook point; arrays are row-major without the batch axis. */
  public void edit(HookPoint point, UnaryOperator<double[]> edit) {
    edits.put(point, edit);
  }

  private double[] at(HookKind kind, int layer, double[] value) {
    UnaryOperator<double[]> edit = edits.get(new HookPoint(kind, layer));
    return edit == null ? value : edit.apply(value);
  }

  /** Logits [pos, d_vocab]. */
  public double[] logits(int[] tokens) {
    int d = config.dModel();
    int n = tokens.length;
    double[] embed = new double[n * d];
    double[] posEmbed = Arrays.copyOf(weights.get("wpe.weight"), n * d);
    for (int p = 0; p < n; p++) {
      System.arraycopy(weights.get("wte.weight"), tokens[p] * d, embed, p * d, d);
    }
    double[] resid = sum(at(HookKind.EMBED, -1, embed), at(HookKind.POS_EMBED, -1, posEmbed));
    for (int layer = 0; layer < config.layers(); layer++) {
      resid = block(layer, resid, n);
    }
    double[] normed =
        at(
            HookKind.UNEMBED_IN,
            -1,
            norm(resid, n, "ln_f", HookKind.LN_FINAL_SCALE, HookKind.LN_FINAL_NORMALIZED, -1));
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
    return at(HookKind.UNEMBED_OUT, -1, logits);
  }

  private static double[] sum(double[] a, double[] b) {
    double[] sum = a.clone();
    for (int i = 0; i < sum.length; i++) {
      sum[i] += b[i];
    }
    return sum;
  }

  private double[] block(int layer, double[] input, int n) {
    int d = config.dModel();
    String block = "h." + layer + ".";
    double[] resid = at(HookKind.RESID_PRE, layer, input);
    double[] attnIn = at(HookKind.ATTN_IN, layer, perHead(resid, n));
    double[] q = project(layer, 0, at(HookKind.Q_INPUT, layer, attnIn), n);
    double[] k = project(layer, 1, at(HookKind.K_INPUT, layer, attnIn), n);
    double[] v = project(layer, 2, at(HookKind.V_INPUT, layer, attnIn), n);
    if (editsSharedNorm(layer)) {
      double[] ln1In = at(HookKind.LN1_IN, layer, resid);
      double[] normed =
          norm(ln1In, n, block + "ln_1", HookKind.LN1_SCALE, HookKind.LN1_NORMALIZED, layer);
      double[] shared = at(HookKind.LN1_OUT, layer, normed);
      q = projectNormed(layer, 0, perHead(at(HookKind.Q_IN, layer, shared), n), n);
      k = projectNormed(layer, 1, perHead(at(HookKind.K_IN, layer, shared), n), n);
      v = projectNormed(layer, 2, perHead(at(HookKind.V_IN, layer, shared), n), n);
    }
    q = at(HookKind.Q, layer, q);
    k = at(HookKind.K, layer, k);
    v = at(HookKind.V, layer, v);
    double[] z = at(HookKind.Z, layer, attend(layer, q, k, v, n));
    double[] result = at(HookKind.RESULT, layer, result(layer, z, n));
    double[] attnOut = new double[n * d];
    for (int p = 0; p < n; p++) {
      for (int i = 0; i < d; i++) {
        attnOut[p * d + i] = weights.get(block + "attn.c_proj.bias")[i];
        for (int h = 0; h < config.heads(); h++) {
          attnOut[p * d + i] += result[(p * config.heads() + h) * d + i];
        }
      }
    }
    double[] mid = at(HookKind.RESID_MID, layer, sum(resid, at(HookKind.ATTN_OUT, layer, attnOut)));
    double[] normed =
        norm(
            at(HookKind.MLP_IN, layer, mid),
            n,
            block + "ln_2",
            HookKind.LN2_SCALE,
            HookKind.LN2_NORMALIZED,
            layer);
    double[] mlpIn = at(HookKind.LN2_OUT, layer, normed);
    double[] pre =
        at(HookKind.MLP_PRE, layer, linear(mlpIn, n, block + "mlp.c_fc", d, config.dMlp()));
    double[] post = new double[pre.length];
    for (int i = 0; i < pre.length; i++) {
      post[i] = activate(pre[i]);
    }
    post = at(HookKind.MLP_POST, layer, post);
    double[] out = linear(post, n, block + "mlp.c_proj", config.dMlp(), d);
    return at(HookKind.RESID_POST, layer, sum(mid, at(HookKind.MLP_OUT, layer, out)));
  }

  /** With such an edit all heads read one layer norm of the residual stream. */
  private boolean editsSharedNorm(int layer) {
    return edits.keySet().stream()
        .anyMatch(point -> point.layer() == layer && point.kind().isSharedHeadInput());
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
    String name = "h." + layer + ".ln_1";
    return projectNormed(layer, part, norm(inputs, n * config.heads(), name, null, null, layer), n);
  }

  private double[] projectNormed(int layer, int part, double[] normed, int n) {
    int d = config.dModel();
    int dHead = config.dHead();
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
    double[] scores = new double[heads * n * n];
    for (int h = 0; h < heads; h++) {
      for (int query = 0; query < n; query++) {
        for (int key = 0; key < n; key++) {
          double sum = 0;
          for (int e = 0; e < dHead; e++) {
            sum += q[(query * heads + h) * dHead + e] * k[(key * heads + h) * dHead + e];
          }
          scores[(h * n + query) * n + key] =
              key <= query ? sum * config.scoreScale(layer) : Double.NEGATIVE_INFINITY;
        }
      }
    }
    scores = at(HookKind.ATTN_SCORES, layer, scores);
    double[] pattern = new double[scores.length];
    for (int row = 0; row < heads * n; row++) {
      double sum = 0;
      for (int key = 0; key < n; key++) {
        sum += Math.exp(scores[row * n + key]);
      }
      for (int key = 0; key < n; key++) {
        pattern[row * n + key] = sum == 0 ? 0 : Math.exp(scores[row * n + key]) / sum;
      }
    }
    pattern = at(HookKind.PATTERN, layer, pattern);
    double[] z = new double[n * heads * dHead];
    for (int h = 0; h < heads; h++) {
      for (int query = 0; query < n; query++) {
        for (int key = 0; key < n; key++) {
          for (int e = 0; e < dHead; e++) {
            z[(query * heads + h) * dHead + e] +=
                pattern[(h * n + query) * n + key] * v[(key * heads + h) * dHead + e];
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

  /** A layer norm; without kinds it has no hook points. */
  private double[] norm(
      double[] x, int rows, String name, HookKind scaleKind, HookKind normalizedKind, int layer) {
    int d = config.dModel();
    double[] centered = x.clone();
    double[] scale = new double[rows];
    for (int r = 0; r < rows; r++) {
      double mean = 0;
      double variance = 0;
      for (int i = 0; i < d; i++) {
        mean += x[r * d + i] / d;
      }
      for (int i = 0; i < d; i++) {
        centered[r * d + i] -= mean;
        variance += Math.pow(centered[r * d + i], 2) / d;
      }
      scale[r] = Math.sqrt(variance + config.layerNormEpsilon());
    }
    scale = scaleKind == null ? scale : at(scaleKind, layer, scale);
    double[] normalized = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      normalized[i] = centered[i] / scale[i / d];
    }
    normalized = normalizedKind == null ? normalized : at(normalizedKind, layer, normalized);
    double[] out = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      out[i] =
          normalized[i] * weights.get(name + ".weight")[i % d] + weights.get(name + ".bias")[i % d];
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
