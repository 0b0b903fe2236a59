package dev.loupe.sae.training;

import dev.loupe.sae.dictionary.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Adam (Kingma and Ba 2015) with bias correction, betas 0.9 and 0.999, epsilon 1e-8. */
final class AdamOptimizer {
  private static final float BETA1 = 0.9f;
  private static final float BETA2 = 0.999f;
  private static final float EPSILON = 1e-8f;
  private static final int STRETCH = 1 << 16;

  private final List<Parameter> parameters;
  private final List<float[]> firstMoments = new ArrayList<>();
  private final List<float[]> secondMoments = new ArrayList<>();
  private long steps;

  AdamOptimizer(List<Parameter> parameters) {
    this.parameters = List.copyOf(parameters);
    for (Parameter parameter : this.parameters) {
      firstMoments.add(new float[parameter.values().length]);
      secondMoments.add(new float[parameter.values().length]);
    }
  }

  /** Running means of the gradients, one for each parameter. */
  List<float[]> firstMoments() {
    return firstMoments;
  }

  /** Running means of the squared gradients, one for each parameter. */
  List<float[]> secondMoments() {
    return secondMoments;
  }

  /** Continues after this many steps; the moments are restored by writing into their arrays. */
  void resumeAt(long stepsDone) {
    this.steps = stepsDone;
  }

  /** Moves every parameter against its gradient. */
  void step(List<float[]> gradients, float learningRate) {
    steps++;
    float correction1 = (float) (1 - Math.pow(BETA1, steps));
    float rootCorrection2 = (float) Math.sqrt(1 - Math.pow(BETA2, steps));
    float rate = learningRate / correction1;
    for (int p = 0; p < parameters.size(); p++) {
      float[] values = parameters.get(p).values();
      float[] gradient = gradients.get(p);
      float[] first = firstMoments.get(p);
      float[] second = secondMoments.get(p);
      int stretches = (values.length + STRETCH - 1) / STRETCH;
      IntStream.range(0, stretches)
          .parallel()
          .forEach(
              s ->
                  update(
                      values,
                      gradient,
                      first,
                      second,
                      s * STRETCH,
                      Math.min(values.length, (s + 1) * STRETCH),
                      rate,
                      rootCorrection2));
    }
  }

  private static void update(
      float[] values,
      float[] gradient,
      float[] first,
      float[] second,
      int begin,
      int end,
      float rate,
      float rootCorrection2) {
    for (int i = begin; i < end; i++) {
      float g = gradient[i];
      float m = BETA1 * first[i] + (1 - BETA1) * g;
      float v = BETA2 * second[i] + (1 - BETA2) * g * g;
      first[i] = m;
      second[i] = v;
      values[i] -= rate * m / ((float) Math.sqrt(v) / rootCorrection2 + EPSILON);
    }
  }

  /**
   * Scales the gradients down so that their joint norm is at most {@code limit}.
   *
   * @return their norm before
   */
  static double clip(List<float[]> gradients, double limit) {
    double squares = 0;
    for (float[] gradient : gradients) {
      squares += squaredNorm(gradient);
    }
    double norm = Math.sqrt(squares);
    if (norm > limit) {
      float factor = (float) (limit / norm);
      for (float[] gradient : gradients) {
        for (int i = 0; i < gradient.length; i++) {
          gradient[i] *= factor;
        }
      }
    }
    return norm;
  }

  private static double squaredNorm(float[] gradient) {
    double total = 0;
    int i = 0;
    while (i < gradient.length) {
      int end = Math.min(gradient.length, i + 4096);
      float s0 = 0;
      float s1 = 0;
      float s2 = 0;
      float s3 = 0;
      for (; i + 4 <= end; i += 4) {
        s0 += gradient[i] * gradient[i];
        s1 += gradient[i + 1] * gradient[i + 1];
        s2 += gradient[i + 2] * gradient[i + 2];
        s3 += gradient[i + 3] * gradient[i + 3];
      }
      for (; i < end; i++) {
        s0 += gradient[i] * gradient[i];
      }
      total += (double) s0 + s1 + s2 + s3;
    }
    return total;
  }
}
