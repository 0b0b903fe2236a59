package dev.loupe.inference.neurons;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.tensor.NdArrays;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;

/** Tokens whose vectors lie near one that was made of others (Mikolov et al. 2013). */
public final class NearestTokens {
  private static final int CHUNK_ROWS = 8192;

  /** What near means. */
  public enum Similarity {
    /** The cosine of the angle; 0 beside a token whose vector is zero. */
    COSINE,
    /** The dot product. */
    DOT
  }

  /**
   * A token and its similarity.
   *
   * @param id token id
   * @param similarity in the measure that was asked for
   */
  public record Near(int id, float similarity) {}

  private static final Comparator<Near> NEAREST_FIRST =
      Comparator.<Near>comparingDouble(near -> -near.similarity()).thenComparingInt(Near::id);

  private final NDArray table;
  private final Similarity similarity;

  /** Search in one of a model's tables. */
  public NearestTokens(HookedTransformer model, EmbeddingTable table, Similarity similarity) {
    this.table =
        switch (table) {
          case TOKEN -> model.weights().tokenEmbedding();
          case UNEMBEDDING -> model.weights().unembedding();
        };
    this.similarity = similarity;
  }

  /** A token's vector, [d_model]; the token must be one. */
  public float[] vector(NDManager parent, int token) {
    try (NDManager scope = parent.newSubManager()) {
      NDArray row = table.get(scope, new NDIndex("{}", token));
      return NdArrays.floats(row.toType(DataType.FLOAT32, false));
    }
  }

  /**
   * The nearest tokens, nearest first, ties by lower id.
   *
   * @param query [d_model]
   * @param count how many at most
   * @param excluded tokens that are no answers
   * @throws InvalidUnitsException when the query is zero and a cosine is asked for
   */
  public List<Near> find(NDManager parent, float[] query, int count, Set<Integer> excluded) {
    double length = 0;
    for (float value : query) {
      length += (double) value * value;
    }
    if (similarity == Similarity.COSINE && length == 0) {
      throw new InvalidUnitsException(
          "the sum of the terms is zero and has no direction; choose other terms, or the dot"
              + " product");
    }
    PriorityQueue<Near> nearest = new PriorityQueue<>(count + 1, NEAREST_FIRST.reversed());
    int tokens = (int) table.getShape().get(0);
    for (int from = 0; from < tokens; from += CHUNK_ROWS) {
      int to = Math.min(tokens, from + CHUNK_ROWS);
      float[] similarities = similarities(parent, query, Math.sqrt(length), from, to);
      for (int i = 0; i < similarities.length; i++) {
        float value = similarities[i];
        boolean wanted = nearest.size() < count || value > nearest.peek().similarity();
        if (wanted && !excluded.contains(from + i)) {
          nearest.add(new Near(from + i, value));
          if (nearest.size() > count) {
            nearest.poll();
          }
        }
      }
    }
    List<Near> ordered = new ArrayList<>(nearest);
    ordered.sort(NEAREST_FIRST);
    return ordered;
  }

  private float[] similarities(NDManager parent, float[] query, double length, int from, int to) {
    try (NDManager scope = parent.newSubManager()) {
      NDArray part =
          table.get(scope, new NDIndex("{}:{}", from, to)).toType(DataType.FLOAT32, false);
      float[] dots =
          NdArrays.floats(part.matMul(NdArrays.of(scope, query, new Shape(query.length, 1))));
      if (similarity == Similarity.COSINE) {
        float[] lengths = NdArrays.floats(part.norm(new int[] {1}));
        for (int i = 0; i < dots.length; i++) {
          dots[i] = lengths[i] == 0 ? 0 : (float) (dots[i] / (lengths[i] * length));
        }
      }
      return dots;
    }
  }
}
