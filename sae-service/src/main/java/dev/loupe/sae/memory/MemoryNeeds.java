package dev.loupe.sae.memory;

import dev.loupe.sae.dictionary.Architecture;
import dev.loupe.server.sharing.MemoryNeed;

/**
 * What training, measuring, publishing, encoding and decoding take. Plain arrays and direct buffers
 * have a limit each, both of the heap's size, so the larger of the two counts. All err on the high
 * side. W below is the size of one weight matrix, d_in d_sae.
 */
public final class MemoryNeeds {
  /** Batches of activations under way, and what reading and sending them takes. */
  private static final long FEED_BYTES = 64L << 20;

  /**
   * Weights, their gradients and moments while training is 8 W; at the end, without gradients, the
   * dictionary in its own units, with unit directions, and transposed for its file 11 W.
   */
  private static final long TRAINING_MATRICES = 11;

  /** The file's tensors, transposed, and with unit directions beside those as they are. */
  private static final long LOADING_MATRICES = 5;

  /** Both matrices, and the encoder once more for the engine. */
  private static final long LOADED_MATRICES = 3;

  /** Beside a loaded dictionary: the unit directions, and those for the engine. */
  private static final long SIMILARITY_MATRICES = 2;

  /** Tokens and values of a window of 64, and what holds them. */
  private static final long EXAMPLE_BYTES = 640;

  /** A feature's histogram, sums and neighbours. */
  private static final long STATISTICS_BYTES = 1_024;

  /** Index and value of an active feature, while their arrays grow. */
  private static final long ENTRY_BYTES = 16;

  /** Products of one block. */
  private static final long BLOCK_BYTES = 16L << 20;

  private MemoryNeeds() {}

  /**
   * Training.
   *
   * @param batch activations in each step
   * @param bufferRows activations held for shuffling
   */
  public static MemoryNeed training(
      Architecture architecture, int dIn, int dSae, int batch, int bufferRows) {
    long rows = FEED_BYTES + 2 * floats(bufferRows, dIn) + 4 * floats(batch, dIn);
    long perFeature = TRAINING_MATRICES * floats(dIn, 1) + STATISTICS_BYTES;
    if (architecture instanceof Architecture.TopK topK) {
      rows += (long) batch * (topK.k() + dIn / 2) * ENTRY_BYTES;
    } else {
      perFeature += 5 * floats(batch, 1); // dense features, and what their gradients take
    }
    long fixed = rows;
    long each = perFeature;
    return new Need(
        fixed + each * dSae,
        limit -> {
          long fitting = (limit - fixed) / each;
          return fitting < 1
              ? "give a smaller batch_size or shuffle_buffer_rows"
              : "give a d_sae of at most " + fitting;
        });
  }

  /** Reading a dictionary into memory. */
  public static MemoryNeed loading(int dIn, int dSae) {
    return fixed(
        LOADING_MATRICES * floats(dIn, dSae), "this dictionary is too large for this server");
  }

  /** Bytes that a dictionary takes once it is read. */
  public static long loaded(int dIn, int dSae) {
    return LOADED_MATRICES * floats(dIn, dSae);
  }

  /** Measuring a dictionary over a corpus of so many rows. */
  public static MemoryNeed evaluating(int dIn, int dSae, long corpusRows) {
    return fixed(
        FEED_BYTES
            + LOADING_MATRICES * floats(dIn, dSae)
            + dSae * STATISTICS_BYTES
            + corpusRows * Long.BYTES,
        "this dictionary or corpus is too large for this server");
  }

  /** Publishing a dictionary's features with so many examples of each. */
  public static MemoryNeed publishing(int dIn, int dSae, int examples, long corpusRows) {
    long fixed =
        FEED_BYTES
            + (LOADING_MATRICES + SIMILARITY_MATRICES) * floats(dIn, dSae)
            + dSae * STATISTICS_BYTES
            + corpusRows * Long.BYTES;
    long each = dSae * EXAMPLE_BYTES;
    return new Need(
        fixed + each * examples,
        limit -> {
          long fitting = (limit - fixed) / each;
          return fitting < 1
              ? "this dictionary or corpus is too large for this server"
              : "ask for at most " + fitting + " examples";
        });
  }

  /**
   * Encoding one batch: its bytes as they were sent, as floats, and the features of the rows that
   * are encoded at once, however many are active.
   */
  public static MemoryNeed encoding(
      long batchBytes, long rows, int dIn, Architecture architecture, int dSae, int rowsAtOnce) {
    long active = architecture instanceof Architecture.TopK topK ? topK.k() : dSae;
    long atOnce = Math.min(rows, rowsAtOnce) * active * ENTRY_BYTES + BLOCK_BYTES;
    long bytes = batchBytes + rows * floats(dIn, 1);
    return new Need(bytes + atOnce, limit -> fewerRows(rows, bytes, limit - atOnce));
  }

  /** Decoding one batch. */
  public static MemoryNeed decoding(long rows, int dIn) {
    long bytes = 2 * rows * floats(dIn, 1);
    return new Need(bytes, limit -> fewerRows(rows, bytes, limit));
  }

  private static String fewerRows(long rows, long bytes, long limit) {
    long fitting = bytes == 0 ? rows : (long) ((double) limit / bytes * rows);
    return fitting < 1
        ? "this dictionary is too large for this server"
        : "send at most " + fitting + " rows in a batch";
  }

  private static MemoryNeed fixed(long bytes, String advice) {
    return new Need(bytes, limit -> advice);
  }

  private static long floats(long rows, long columns) {
    return rows * columns * Float.BYTES;
  }
}
