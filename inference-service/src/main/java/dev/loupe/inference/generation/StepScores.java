package dev.loupe.inference.generation;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.generation.GenerationStep.Alternative;
import dev.loupe.tensor.NdArrays;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What one pass says about the next token of each row. The engine makes distributions, since fifty
 * thousand exponentials for each row and token are too slow one by one.
 */
final class StepScores {
  private final int vocabulary;
  private final FloatBuffer scores;
  private final FloatBuffer logProbabilities;
  private final float[] ofRow;

  private StepScores(int vocabulary, NDArray scores, NDArray logProbabilities) {
    this.vocabulary = vocabulary;
    this.scores = NdArrays.view(scores).data().asFloatBuffer();
    this.logProbabilities = NdArrays.view(logProbabilities).data().asFloatBuffer();
    this.ofRow = new float[vocabulary];
  }

  /** Far below any difference of two logits, and no reciprocal of it overflows a float. */
  private static final double LEAST_TEMPERATURE = 1e-20;

  /**
   * Makes the scores; they are valid while the logits' manager is open.
   *
   * @param last [row, 1, d_vocab]
   */
  static StepScores of(NDArray last, List<Continuation> rows, SamplingOptions sampling) {
    int vocabulary = (int) last.getShape().get(2);
    NDArray logits = last.reshape(rows.size(), vocabulary);
    NDArray adjusted = logits;
    if (!sampling.penalties().areNone()) {
      float[] values = NdArrays.floats(logits);
      for (int row = 0; row < rows.size(); row++) {
        sampling.penalties().apply(values, row * vocabulary, rows.get(row).seen());
      }
      adjusted = NdArrays.of(logits.getManager(), values, logits.getShape());
    }
    NDArray scores = sampling.isGreedy() ? adjusted : tempered(adjusted, sampling.temperature());
    return new StepScores(vocabulary, scores, logits.logSoftmax(1));
  }

  /** The largest logit is taken off first, so that a temperature near 0 leaves it finite. */
  private static NDArray tempered(NDArray logits, double temperature) {
    return logits
        .sub(logits.max(new int[] {1}, true))
        .divi(Math.max(temperature, LEAST_TEMPERATURE))
        .softmax(1);
  }

  /**
   * False when a logit of the row is no number or +infinity: all log probabilities are none then.
   */
  boolean areNumbers(int row) {
    return !Double.isNaN(logProbability(row, 0));
  }

  /**
   * A row's logits for the greedy choice, else its probabilities at the temperature; valid until
   * the next row's are asked for.
   */
  float[] scores(int row) {
    scores.get(row * vocabulary, ofRow);
    return ofRow;
  }

  /** A token's log probability under the model. */
  double logProbability(int row, int id) {
    return logProbabilities.get(row * vocabulary + id);
  }

  /** The likeliest tokens of a row, likeliest first. */
  List<Alternative> likeliest(int row, int count) {
    if (count == 0) {
      return List.of();
    }
    float[] values = new float[vocabulary];
    logProbabilities.get(row * vocabulary, values);
    List<Alternative> likeliest = new ArrayList<>(count);
    for (int id : RankedTokens.largest(values, count)) {
      likeliest.add(new Alternative(id, values[id]));
    }
    return likeliest;
  }
}
