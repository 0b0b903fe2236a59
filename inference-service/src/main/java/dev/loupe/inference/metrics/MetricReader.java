package dev.loupe.inference.metrics;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.tensor.NdArrays;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads one metric for each row of a batch, either off the logits or off what the unembedding reads
 * ({@code unembed.hook_in}). From the latter, a metric of a few logits costs a few dot products
 * with rows of W_U; only log probabilities need whole rows of logits, which are made {@value
 * #CHUNK} places at a time. It may be used for any number of passes over rows of these lengths.
 */
public final class MetricReader {
  private static final int CHUNK = 64;

  private final HookedTransformer model;
  private final List<RowMetric> metrics = new ArrayList<>();
  private final List<Place> places = new ArrayList<>();
  private final List<Term> terms = new ArrayList<>();

  /**
   * Binds metrics to rows.
   *
   * @param rows tokens of each row
   * @param rowMetrics one for each row
   * @throws InvalidMetricException when a row or the vocabulary lacks what its metric reads
   */
  public MetricReader(HookedTransformer model, List<int[]> rows, List<Metric> rowMetrics) {
    if (rows.size() != rowMetrics.size()) {
      throw new IllegalArgumentException(
          "%d metrics for %d rows".formatted(rowMetrics.size(), rows.size()));
    }
    this.model = model;
    for (int row = 0; row < rows.size(); row++) {
      RowMetric metric =
          RowMetric.of(rowMetrics.get(row), rows.get(row), model.config().vocabularySize());
      metrics.add(metric);
      for (Term term : metric.terms()) {
        places.add(new Place(row, term.position()));
        terms.add(term);
      }
    }
  }

  /** The positions that are read, row by row, in ascending order. */
  public List<Place> places() {
    return List.copyOf(places);
  }

  /** The entries [place, n] of a value [batch, pos, n] at the places, in the value's manager. */
  public NDArray pick(NDArray value) {
    long width = value.getShape().get(1);
    long last = value.getShape().get(2);
    long[] ids = places.stream().mapToLong(p -> p.row() * width + p.position()).toArray();
    NDArray index = value.getManager().create(ids, new Shape(ids.length));
    return model.ops().embed(index, value.reshape(-1, last));
  }

  /**
   * The metrics of rows.
   *
   * @param normed {@code unembed.hook_in} at the places, [place, d_model]
   * @return one for each row
   */
  public double[] values(NDArray normed) {
    double[] ofPlaces = new double[terms.size()];
    eachRun(
        normed,
        (chunk, from) -> {
          if (terms.get(from).normalized()) {
            logValues(model.unembed(chunk).logSoftmax(1), from, ofPlaces);
          } else {
            linearValues(chunk, weighted(chunk, from), from, ofPlaces);
          }
        });
    return ofRows(ofPlaces);
  }

  /**
   * The metrics of rows.
   *
   * @param logits at the places, [place, d_vocab]
   * @return one for each row
   */
  public double[] valuesOfLogits(NDArray logits) {
    double[] ofPlaces = new double[terms.size()];
    eachRun(
        logits,
        (chunk, from) ->
            logValues(terms.get(from).normalized() ? chunk.logSoftmax(1) : chunk, from, ofPlaces));
    return ofRows(ofPlaces);
  }

  /**
   * The metrics of rows, and the gradient of their sum.
   *
   * @param normed {@code unembed.hook_in} at the places, [place, d_model]
   * @return the gradient [place, d_model], in the argument's manager
   */
  public MetricGradient gradient(NDArray normed) {
    double[] ofPlaces = new double[terms.size()];
    NDList parts = new NDList();
    eachRun(
        normed,
        (chunk, from) -> {
          NDArray part;
          if (terms.get(from).normalized()) {
            NDArray logProbabilities = model.unembed(chunk).logSoftmax(1);
            logValues(logProbabilities, from, ofPlaces);
            NDArray byLogits = logGradient(logProbabilities, from);
            part = byLogits.matMul(model.weights().unembedding());
          } else {
            part = weighted(chunk, from);
            linearValues(chunk, part, from, ofPlaces);
          }
          part.attach(normed.getManager());
          parts.add(part);
        });
    return new MetricGradient(ofRows(ofPlaces), joined(parts));
  }

  /**
   * The metrics of rows, and the gradient of their sum.
   *
   * @param logits at the places, [place, d_vocab]
   * @return the gradient [place, d_vocab], in the argument's manager
   */
  public MetricGradient gradientOfLogits(NDArray logits) {
    double[] ofPlaces = new double[terms.size()];
    NDList parts = new NDList();
    eachRun(
        logits,
        (chunk, from) -> {
          NDArray part;
          if (terms.get(from).normalized()) {
            NDArray logProbabilities = chunk.logSoftmax(1);
            logValues(logProbabilities, from, ofPlaces);
            part = logGradient(logProbabilities, from);
          } else {
            logValues(chunk, from, ofPlaces);
            part = weights(chunk.zerosLike(), from);
          }
          part.attach(logits.getManager());
          parts.add(part);
        });
    return new MetricGradient(ofRows(ofPlaces), joined(parts));
  }

  private interface Run {
    void over(NDArray chunk, int from);
  }

  /** Goes through the places in runs of one kind, in managers of their own. */
  private void eachRun(NDArray value, Run run) {
    if (value.getShape().get(0) != terms.size()) {
      throw new IllegalArgumentException(
          "%d places; expected %d".formatted(value.getShape().get(0), terms.size()));
    }
    int from = 0;
    while (from < terms.size()) {
      int to = from + 1;
      while (to < terms.size()
          && to - from < CHUNK
          && terms.get(to).normalized() == terms.get(from).normalized()) {
        to++;
      }
      try (NDManager local = value.getManager().newSubManager()) {
        run.over(value.get(local, new NDIndex("{}:{}", from, to)), from);
      }
      from = to;
    }
  }

  private static NDArray joined(NDList parts) {
    return parts.size() == 1 ? parts.singletonOrThrow() : NDArrays.concat(parts);
  }

  /** For each place the sum of its tokens' rows of W_U, weighted: [place, d_model]. */
  private NDArray weighted(NDArray chunk, int from) {
    int count = (int) chunk.getShape().get(0);
    int most = 0;
    for (int i = 0; i < count; i++) {
      most = Math.max(most, terms.get(from + i).tokens().length);
    }
    long[] ids = new long[count * most];
    float[] weights = new float[count * most];
    for (int i = 0; i < count; i++) {
      Term term = terms.get(from + i);
      for (int j = 0; j < term.tokens().length; j++) {
        ids[i * most + j] = term.tokens()[j];
        weights[i * most + j] = term.weights()[j];
      }
    }
    NDManager manager = chunk.getManager();
    NDArray index = manager.create(ids, new Shape(count, most));
    return model
        .ops()
        .embed(index, model.weights().unembedding())
        .mul(NdArrays.of(manager, weights, new Shape(count, most, 1)))
        .sum(new int[] {1});
  }

  /** Each term's sum over logits, from what the unembedding reads and the weighted rows of W_U. */
  private void linearValues(NDArray chunk, NDArray weighted, int from, double[] into) {
    float[] left = NdArrays.floats(chunk);
    float[] right = NdArrays.floats(weighted);
    int count = (int) chunk.getShape().get(0);
    int width = left.length / count;
    for (int i = 0; i < left.length; i++) {
      into[from + i / width] += (double) left[i] * right[i];
    }
    NDArray bias = model.weights().unembeddingBias();
    for (int i = 0; bias != null && i < count; i++) {
      Term term = terms.get(from + i);
      for (int j = 0; j < term.tokens().length; j++) {
        into[from + i] += (double) term.weights()[j] * bias.getFloat(term.tokens()[j]);
      }
    }
  }

  /** Each term's sum over logits or log probabilities [place, d_vocab]. */
  private void logValues(NDArray values, int from, double[] into) {
    int count = (int) values.getShape().get(0);
    var buffer = NdArrays.view(values).data().asFloatBuffer();
    int vocabulary = (int) values.getShape().get(1);
    for (int i = 0; i < count; i++) {
      Term term = terms.get(from + i);
      for (int j = 0; j < term.weights().length; j++) {
        int token = term.ofEveryToken() ? j : term.tokens()[j];
        float weight = term.weights()[j];
        if (weight != 0) {
          into[from + i] += (double) weight * buffer.get(i * vocabulary + token);
        }
      }
    }
  }

  /** weights - sum(weights) * softmax, of log probabilities [place, d_vocab]. */
  private NDArray logGradient(NDArray logProbabilities, int from) {
    int count = (int) logProbabilities.getShape().get(0);
    float[] sums = new float[count];
    for (int i = 0; i < count; i++) {
      sums[i] = (float) -terms.get(from + i).weightSum();
    }
    NDArray column = NdArrays.of(logProbabilities.getManager(), sums, new Shape(count, 1));
    return weights(logProbabilities.exp().muli(column), from);
  }

  /** Adds each term's weights to its row of [place, d_vocab], in place. */
  private NDArray weights(NDArray base, int from) {
    int count = (int) base.getShape().get(0);
    NDManager manager = base.getManager();
    for (int i = 0; i < count; i++) {
      Term term = terms.get(from + i);
      if (term.ofEveryToken()) {
        base.get(i).addi(NdArrays.of(manager, term.weights()));
      } else {
        for (int j = 0; j < term.tokens().length; j++) {
          base.get(new NDIndex("{}, {}:{}", i, term.tokens()[j], term.tokens()[j] + 1))
              .addi(term.weights()[j]);
        }
      }
    }
    return base;
  }

  private double[] ofRows(double[] ofPlaces) {
    double[] values = new double[metrics.size()];
    for (int row = 0; row < values.length; row++) {
      values[row] = metrics.get(row).constant();
    }
    for (int i = 0; i < ofPlaces.length; i++) {
      values[places.get(i).row()] += ofPlaces[i];
    }
    return values;
  }
}
