package dev.loupe.inference.analysis;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** The logits of one prediction, [d_vocab]. */
public final class LogitRow {
  private final float[] logits;
  private double logNormalizer = Double.NaN;

  /** Wraps logits, which must not change any more. */
  public LogitRow(float[] logits) {
    this.logits = logits;
  }

  /** log(sum(exp(logits))), in nats. */
  public double logNormalizer() {
    if (Double.isNaN(logNormalizer)) {
      float largest = Float.NEGATIVE_INFINITY;
      for (float logit : logits) {
        largest = Math.max(largest, logit);
      }
      double sum = 0;
      for (float logit : logits) {
        sum += Math.exp(logit - largest);
      }
      logNormalizer = largest + Math.log(sum);
    }
    return logNormalizer;
  }

  /** A token's log probability, in nats. */
  public double logProbability(int id) {
    return logits[id] - logNormalizer();
  }

  /** A token with its logit and probability. */
  public TokenScore score(int id) {
    return new TokenScore(id, logits[id], (float) Math.exp(logProbability(id)));
  }

  /** The likeliest tokens, best first, ties by lower id. */
  public List<TokenScore> top(int count) {
    return largest(logits, count).stream().map(this::score).toList();
  }

  /** The indices of the largest values, largest first, ties by lower index. */
  static List<Integer> largest(float[] values, int count) {
    Comparator<Integer> better =
        Comparator.<Integer>comparingDouble(i -> -values[i]).thenComparingInt(i -> i);
    PriorityQueue<Integer> kept = new PriorityQueue<>(count + 1, better.reversed());
    for (int i = 0; i < values.length; i++) {
      if (kept.size() < count) {
        kept.add(i);
      } else if (count > 0 && values[i] > values[kept.peek()]) {
        kept.poll();
        kept.add(i);
      }
    }
    List<Integer> ordered = new ArrayList<>(kept);
    ordered.sort(better);
    return ordered;
  }
}
