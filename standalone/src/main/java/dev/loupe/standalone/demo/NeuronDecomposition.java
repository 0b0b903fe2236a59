package dev.loupe.standalone.demo;

import java.util.ArrayList;
import java.util.List;

/**
 * Explains a neuron's activation by a few features: the least-squares sum y ≈ c0 + Σ c_i f_i,
 * features taken one by one, each time the one that lowers the squared error most (forward
 * selection), on one half of held-out text. How much of the neuron's variance the sum explains is
 * measured on the other half.
 */
final class NeuronDecomposition {
  private NeuronDecomposition() {}

  /**
   * A neuron, explained.
   *
   * @param parts the features, in the order taken
   * @param explained share of the neuron's variance on the second text that all of them explain
   */
  record Result(List<Part> parts, double explained) {
    Result {
      parts = List.copyOf(parts);
    }
  }

  /**
   * One feature of the sum.
   *
   * @param coefficient what one unit of the feature adds to the neuron
   * @param gain share of the neuron's variance on the first text that it explains beyond those
   *     before
   */
  record Part(int feature, double coefficient, double gain) {}

  /**
   * Decomposes a neuron.
   *
   * @param neuron its activations on the first text, [tokens]
   * @param features the features on the first text
   * @param neuronReport the neuron on the second text
   * @param featuresReport the features on the second text
   * @param count how many features to take
   */
  static Result decompose(
      float[] neuron, Units features, float[] neuronReport, Units featuresReport, int count) {
    Regression regression = new Regression(neuron);
    double total = regression.squaredResidual();
    List<Part> gains = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int best = bestAddition(features, regression);
      if (best < 0) {
        break;
      }
      double before = regression.squaredResidual();
      regression.add(best, features.column(best));
      gains.add(new Part(best, 0, (before - regression.squaredResidual()) / total));
    }
    double[] coefficients = regression.coefficients();
    List<Part> parts = new ArrayList<>();
    for (int i = 0; i < gains.size(); i++) {
      parts.add(new Part(gains.get(i).feature(), coefficients[i], gains.get(i).gain()));
    }
    return new Result(parts, explained(parts, neuronReport, featuresReport, regression.constant()));
  }

  private static int bestAddition(Units features, Regression regression) {
    int best = -1;
    double bestGain = 0;
    for (int f = 0; f < features.count(); f++) {
      double gain = regression.contains(f) ? 0 : regression.gain(features.column(f));
      if (gain > bestGain) {
        bestGain = gain;
        best = f;
      }
    }
    return best;
  }

  private static double explained(
      List<Part> parts, float[] neuron, Units features, double constant) {
    double[] predicted = new double[neuron.length];
    java.util.Arrays.fill(predicted, constant);
    for (Part part : parts) {
      Units.Column column = features.column(part.feature());
      for (int i = 0; i < column.tokens().length; i++) {
        predicted[column.tokens()[i]] += part.coefficient() * column.values()[i];
      }
    }
    double mean = 0;
    for (float value : neuron) {
      mean += value / neuron.length;
    }
    double error = 0;
    double variance = 0;
    for (int t = 0; t < neuron.length; t++) {
      error += (neuron[t] - predicted[t]) * (neuron[t] - predicted[t]);
      variance += (neuron[t] - mean) * (neuron[t] - mean);
    }
    return variance == 0 ? 0 : 1 - error / variance;
  }
}
