package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.ActivationBatch;
import dev.loupe.standalone.client.EncodeStream;
import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.Progress;
import dev.loupe.standalone.client.SparseFeatures;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads what neurons and features do on held-out text. */
final class UnitReader {
  private static final int BATCH_ROWS = 64;

  private final LoupeClient client;
  private final String model;

  UnitReader(LoupeClient client, String model) {
    this.client = client;
    this.model = model;
  }

  /**
   * The hidden layers of some blocks' MLPs, after their non-linearity, in one pass.
   *
   * @return by layer, in the order given
   */
  List<DenseUnits> neurons(HeldOutText text, List<Integer> layers, int count, Progress progress) {
    Map<String, DenseUnits> units = new LinkedHashMap<>();
    for (int layer : layers) {
      units.put(
          "blocks." + layer + ".mlp.hook_post",
          new DenseUnits("L" + layer + "N", count, text.tokens()));
    }
    stream(
        text,
        List.copyOf(units.keySet()),
        (batch, rows) -> {
          DenseUnits of = units.get(batch.hookPoint());
          for (int r = 0; r < rows.count; r++) {
            int first = text.firstToken(rows.first + r);
            for (int p = 1; p < text.length(rows.first + r); p++) {
              of.put(first + p - 1, batch.values(), offset(batch, r, p));
            }
          }
        },
        progress);
    return List.copyOf(units.values());
  }

  /** A dictionary's features. */
  SparseUnits features(
      HeldOutText text, String dictionary, String hookPoint, int count, Progress progress) {
    SparseUnits units = new SparseUnits(count);
    try (EncodeStream encoder = client.dictionaries().encoder(dictionary)) {
      stream(
          text,
          List.of(hookPoint),
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

  private void stream(
      HeldOutText text, List<String> hookPoints, BatchReader reader, Progress progress) {
    List<int[]> ids = text.ids();
    client
        .activations(model)
        .read(
            hookPoints,
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
