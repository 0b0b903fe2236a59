package dev.loupe.sae.client;

import dev.loupe.sae.corpus.TokenBatch;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.EngineMemory;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Takes the activations that count out of a padded array {@code [batch, pos, ...]}, and puts others
 * into their places: all positions of each row but 0, without padding.
 */
final class ActivationLayout {
  private ActivationLayout() {}

  /**
   * The rows that count; all axes after the position are one.
   *
   * @throws LoupeException NOT_FINITE
   */
  static FloatRows rows(TokenBatch batch, LabelledTensor padded) {
    int positions = check(batch, padded);
    int width = width(padded);
    FloatBuffer values = padded.tensor().toF32().data().asFloatBuffer();
    FloatRows rows = FloatRows.zeros(batch.activations(), width);
    int next = 0;
    for (int row = 0; row < batch.rows().size(); row++) {
      int count = batch.rows().get(row).length - 1;
      values.get((row * positions + 1) * width, rows.values(), next * width, count * width);
      next += count;
    }
    if (!rows.isFinite()) {
      throw LoupeException.of(
          ErrorReason.NOT_FINITE,
          "the model's activations are infinite or not a number: it overflows on this corpus");
    }
    return rows;
  }

  /** The array with other rows where they count; position 0 and padding stay as they are. */
  static LabelledTensor replaced(TokenBatch batch, LabelledTensor padded, FloatRows rows) {
    int positions = check(batch, padded);
    int width = width(padded);
    ByteBuffer copy = EngineMemory.copyOf(padded.tensor().toF32().data());
    FloatBuffer values = copy.asFloatBuffer();
    int next = 0;
    for (int row = 0; row < batch.rows().size(); row++) {
      int count = batch.rows().get(row).length - 1;
      values.put((row * positions + 1) * width, rows.values(), next * width, count * width);
      next += count;
    }
    return new LabelledTensor(
        new HostTensor(ElementType.F32, padded.tensor().shape(), copy), padded.axes());
  }

  private static int width(LabelledTensor padded) {
    long[] shape = padded.tensor().shape();
    long width = 1;
    for (int i = 2; i < shape.length; i++) {
      width *= shape[i];
    }
    return Math.toIntExact(width);
  }

  private static int check(TokenBatch batch, LabelledTensor padded) {
    long[] shape = padded.tensor().shape();
    List<String> axes = padded.axes();
    if (shape.length < 3
        || !axes.get(0).equals("batch")
        || !axes.get(1).equals("pos")
        || !padded.tensor().type().isFloating()
        || shape[0] != batch.rows().size()
        || shape[1] < batch.longest()) {
      throw new IllegalStateException(
          "the inference service sent %s %s %s for %d rows of up to %d tokens"
              .formatted(
                  padded.tensor().type(),
                  axes,
                  Arrays.toString(shape),
                  batch.rows().size(),
                  batch.longest()));
    }
    return (int) shape[1];
  }
}
