package dev.loupe.inference.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.tensor.NdArrays;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What directions of the residual stream promote and suppress: each direction times W_U. Of the
 * final layer norm, whose scale depends on the whole stream, either nothing is applied, or all but
 * that scale.
 */
public final class VocabularyProjection {

  /**
   * A token and what a unit of the direction adds to its logit.
   *
   * @param id token id
   * @param logit the product
   */
  public record TokenLogit(int id, float logit) {}

  /**
   * The ends of one direction's products.
   *
   * @param top highest first
   * @param bottom lowest first
   */
  public record Ends(List<TokenLogit> top, List<TokenLogit> bottom) {}

  private static final int CHUNK_VALUES = 1 << 24;

  private final HookedTransformer model;
  private final boolean throughNorm;

  private VocabularyProjection(HookedTransformer model, boolean throughNorm) {
    this.model = model;
    this.throughNorm = throughNorm;
  }

  /** Projection onto a model's vocabulary with W_U as stored. */
  public VocabularyProjection(HookedTransformer model) {
    this(model, false);
  }

  /**
   * Projection with the final layer norm folded into W_U: directions are centred and multiplied by
   * its weight first.
   */
  public static VocabularyProjection throughFinalNorm(HookedTransformer model) {
    return new VocabularyProjection(model, true);
  }

  /**
   * Projects directions.
   *
   * @param directions [row, d_model], row-major
   * @param topK tokens at each end
   * @throws IllegalArgumentException when the values are not whole rows, or not finite
   */
  public List<Ends> project(NDManager parent, float[] directions, int topK) {
    int width = model.config().dModel();
    int vocabulary = model.config().vocabularySize();
    if (directions.length % width != 0) {
      throw new IllegalArgumentException(
          "directions has %d values; expected a multiple of d_model, which is %d"
              .formatted(directions.length, width));
    }
    for (int i = 0; i < directions.length; i++) {
      if (!Float.isFinite(directions[i])) {
        throw new IllegalArgumentException(
            "directions holds %s in row %d; expected finite numbers"
                .formatted(directions[i], i / width));
      }
    }
    int count = directions.length / width;
    int perChunk = Math.max(1, CHUNK_VALUES / vocabulary);
    List<Ends> ends = new ArrayList<>();
    for (int from = 0; from < count; from += perChunk) {
      int rows = Math.min(perChunk, count - from);
      try (NDManager scope = parent.newSubManager()) {
        float[] part = Arrays.copyOfRange(directions, from * width, (from + rows) * width);
        NDArray x = NdArrays.of(scope, part, new Shape(rows, width));
        if (throughNorm) {
          x = model.ops().center(x).mul(model.weights().lnFinal().weight());
        }
        float[] logits = NdArrays.floats(model.ops().unembed(x, model.weights().unembedding()));
        for (int r = 0; r < rows; r++) {
          ends.add(ends(Arrays.copyOfRange(logits, r * vocabulary, (r + 1) * vocabulary), topK));
        }
      }
    }
    return ends;
  }

  private static Ends ends(float[] logits, int topK) {
    float[] negated = new float[logits.length];
    for (int i = 0; i < negated.length; i++) {
      negated[i] = -logits[i];
    }
    return new Ends(
        tokens(LogitRow.largest(logits, topK), logits),
        tokens(LogitRow.largest(negated, topK), logits));
  }

  private static List<TokenLogit> tokens(List<Integer> ids, float[] logits) {
    return ids.stream().map(id -> new TokenLogit(id, logits[id])).toList();
  }
}
