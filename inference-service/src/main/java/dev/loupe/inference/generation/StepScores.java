package dev.loupe.inference.generation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
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

  /**
   * Makes the scores; they are valid while the logits' manager is open.
   *
   * @param last [row, 1, d_vocab]
   */
  static StepScores of(NDArray last, List<Continuation> rows, SamplingOptions sampling) {
    int vocabulary = (int) last.getShape().get(2);
    NDArray logits = last.reshape(rows.size(), vocabulary);
    NDArray adjusted = logits;
    if (sampling.frequencyPenalty() != 0) {
      float[] penalties = new float[rows.size() * vocabulary];
      for (int row = 0; row < rows.size(); row++) {
        System.arraycopy(rows.get(row).penalties(), 0, penalties, row * vocabulary, vocabulary);
      }
      adjusted =
          logits.sub(logits.getManager().create(penalties, new Shape(rows.size(), vocabulary)));
    }
    NDArray scores =
        sampling.isGreedy() ? adjusted : adjusted.div(sampling.temperature()).softmax(1);
    return new StepScores(vocabulary, scores, logits.logSoftmax(1));
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
