package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.ActivationBatch;
import dev.loupe.standalone.client.EncodeStream;
import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.Progress;
import dev.loupe.standalone.client.SparseFeatures;
import java.util.List;

/** Reads what neurons and features do on held-out text. */
final class UnitReader {
  private static final int BATCH_ROWS = 16;

  private final LoupeClient client;
  private final String model;

  UnitReader(LoupeClient client, String model) {
    this.client = client;
    this.model = model;
  }

  /** The hidden layer of one block's MLP, after its non-linearity. */
  DenseUnits neurons(HeldOutText text, int layer, int count, Progress progress) {
    DenseUnits units = new DenseUnits("L" + layer + "N", count, text.tokens());
    stream(
        text,
        "blocks." + layer + ".mlp.hook_post",
        (batch, rows) -> {
          for (int r = 0; r < rows.count; r++) {
            int first = text.firstToken(rows.first + r);
            for (int p = 1; p < text.length(rows.first + r); p++) {
              units.put(first + p - 1, batch.values(), offset(batch, r, p));
            }
          }
        },
        progress);
    return units;
  }

  /** A dictionary's features. */
  SparseUnits features(
      HeldOutText text, String dictionary, String hookPoint, int count, Progress progress) {
    SparseUnits units = new SparseUnits(count);
    try (EncodeStream encoder = client.dictionaries().encoder(dictionary)) {
      stream(
          text,
          hookPoint,
          (batch, rows) -> {
            SparseFeatures encoded = encoder.encode(compact(text, batch, rows), batch.width());
            int token = text.firstToken(rows.first);
            for (int i = 0; i < encoded.rows(); i++) {
              units.put(token + i, encoded, i);
            }
          },
          progress);
    }
    return units;
  }

  private record Rows(int first, int count) {}

  private interface BatchReader {
    void accept(ActivationBatch batch, Rows rows);
  }

  private void stream(HeldOutText text, String hookPoint, BatchReader reader, Progress progress) {
    List<int[]> ids = text.ids();
    client
        .activations(model)
        .read(
            List.of(hookPoint),
            ids,
            BATCH_ROWS,
            batch -> {
              int first = batch.batch() * BATCH_ROWS;
              int count = Math.min(BATCH_ROWS, ids.size() - first);
              reader.accept(batch, new Rows(first, count));
              progress.at(first + count, ids.size());
            });
  }

  /** The batch without position 0 and without padding, [tokens, width]. */
  private static float[] compact(HeldOutText text, ActivationBatch batch, Rows rows) {
    int tokens = 0;
    for (int r = 0; r < rows.count; r++) {
      tokens += text.length(rows.first + r) - 1;
    }
    float[] values = new float[tokens * batch.width()];
    int filled = 0;
    for (int r = 0; r < rows.count; r++) {
      int length = (text.length(rows.first + r) - 1) * batch.width();
      System.arraycopy(batch.values(), offset(batch, r, 1), values, filled, length);
      filled += length;
    }
    return values;
  }

  private static int offset(ActivationBatch batch, int row, int position) {
    return (row * batch.positions() + position) * batch.width();
  }
}
