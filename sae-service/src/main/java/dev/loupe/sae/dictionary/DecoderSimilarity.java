package dev.loupe.sae.dictionary;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.tensor.TensorEngine;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Finds features whose decoder directions point the same way, a block of features at a time. */
public final class DecoderSimilarity {
  private static final int BLOCK_ELEMENTS = 4 << 20;

  private final int dSae;
  private final int dIn;
  private final EngineMatrix units;

  /**
   * Features and cosines, most similar first.
   *
   * @param features indices
   * @param cosines of the directions, in [-1, 1]
   */
  public record Neighbours(int[] features, float[] cosines) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Neighbours that
          && Arrays.equals(features, that.features)
          && Arrays.equals(cosines, that.cosines);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(features);
    }

    @Override
    public String toString() {
      return "Neighbours" + Arrays.toString(features);
    }
  }

  /** Compares the decoder directions of these weights. */
  public DecoderSimilarity(DictionaryWeights weights) {
    this.dSae = weights.dSae();
    this.dIn = weights.dIn();
    this.units = new EngineMatrix(dSae, dIn);
    float[] rows = weights.decoder().clone();
    for (int feature = 0; feature < dSae; feature++) {
      float norm = VectorMath.norm(rows, feature * dIn, dIn);
      for (int i = feature * dIn; norm > 0 && i < (feature + 1) * dIn; i++) {
        rows[i] /= norm;
      }
    }
    units.set(rows, 0, rows.length);
  }

  /** The nearest others of every feature, at most {@code count}. */
  public List<Neighbours> nearest(int count) {
    int kept = Math.min(count, dSae - 1);
    List<Neighbours> all = new ArrayList<>();
    int block = Math.max(1, Math.min(dSae, BLOCK_ELEMENTS / dSae));
    try (NDManager manager = TensorEngine.newManager()) {
      NDArray every = units.array(manager).transpose(); // [d_in, d_sae]
      for (int first = 0; first < dSae; first += block) {
        int rows = Math.min(block, dSae - first);
        int start = first;
        Neighbours[] found = new Neighbours[rows];
        try (NDArray part = units.rows(manager, first, rows);
            NDArray cosines = part.matMul(every)) { // [rows, d_sae]
          FloatBuffer view = DictionaryWeights.view(cosines);
          RowChunks.run(
              rows,
              (chunk, begin, end) -> {
                for (int row = begin; row < end; row++) {
                  found[row] = nearest(view, row, start + row, kept);
                }
              });
        }
        all.addAll(Arrays.asList(found));
      }
    }
    return all;
  }

  private Neighbours nearest(FloatBuffer cosines, int row, int self, int count) {
    float[] values = new float[dSae];
    cosines.get(row * dSae, values, 0, dSae);
    // Shifted above 0, which is what the selection keeps.
    float[] shifted = new float[dSae];
    for (int i = 0; i < dSae; i++) {
      shifted[i] = i == self ? 0f : 2f + values[i];
    }
    int[] indices = new int[Math.max(1, count)];
    float[] chosen = new float[indices.length];
    int found = count == 0 ? 0 : LargestSelection.of(dSae, count).select(shifted, indices, chosen);
    int[] order =
        IntStream.range(0, found)
            .mapToObj(i -> indices[i])
            .sorted(Comparator.comparingDouble(i -> -values[i]))
            .mapToInt(i -> i)
            .toArray();
    float[] ordered = new float[found];
    for (int i = 0; i < found; i++) {
      ordered[i] = Math.max(-1f, Math.min(1f, values[order[i]]));
    }
    return new Neighbours(order, ordered);
  }
}
