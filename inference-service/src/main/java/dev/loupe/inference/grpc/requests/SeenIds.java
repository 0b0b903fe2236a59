package dev.loupe.inference.grpc.requests;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.Map;
import java.util.TreeMap;

/** The batch ids of a stream, kept as runs of neighbours: ids that count up take no memory. */
public final class SeenIds {
  private static final int MAX_RUNS = 100_000;

  private final TreeMap<Long, Long> runs = new TreeMap<>();

  /**
   * Notes an id.
   *
   * @throws LoupeException INVALID_VALUE when it was there before, or ids are too scattered
   */
  public void add(long id) {
    Map.Entry<Long, Long> before = runs.floorEntry(id);
    if (before != null && before.getValue() >= id) {
      throw LoupeException.invalidValue("batch.batch_id", id, "an id that is new in this stream");
    }
    long start = id;
    long end = id;
    if (before != null && before.getValue() == id - 1) {
      start = before.getKey();
    }
    if (id != Long.MAX_VALUE && runs.containsKey(id + 1)) {
      end = runs.remove(id + 1);
    }
    runs.put(start, end);
    if (runs.size() > MAX_RUNS) {
      throw LoupeException.of(
          ErrorReason.INVALID_VALUE,
          "batch ids are scattered over more than %d runs; count them up".formatted(MAX_RUNS));
    }
  }
}
