package dev.loupe.inference.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.tensor.NdArrays;
import java.util.ArrayList;
import java.util.List;

/** The cross-entropy of each token given those before it, in nats. */
public final class TokenLosses {
  private TokenLosses() {}

  /**
   * Losses of tokens 1 to n - 1 of each row.
   *
   * @param logits [batch, pos, d_vocab] of the whole batch
   * @return for each row an array that is one shorter than the row
   */
  public static List<float[]> of(NDArray logits, TokenBatch batch) {
    List<float[]> losses = new ArrayList<>();
    for (int row = 0; row < batch.rows(); row++) {
      int length = batch.lengths()[row];
      float[] ofRow = new float[length - 1];
      if (ofRow.length > 0) {
        long[] next = new long[length - 1];
        for (int i = 0; i < next.length; i++) {
          next[i] = batch.ids()[row * batch.width() + i + 1];
        }
        try (NDManager local = logits.getManager().newSubManager()) {
          NDArray predicting = logits.get(local, new NDIndex("{}, 0:{}", row, length - 1));
          NDArray index = local.create(next).reshape(-1, 1);
          ofRow = NdArrays.floats(predicting.logSoftmax(1).gather(index, 1).neg());
        }
      }
      losses.add(ofRow);
    }
    return losses;
  }
}
