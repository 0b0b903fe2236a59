package dev.loupe.standalone.pretrain;

import dev.loupe.inference.tokenizer.BpeTokenizer;
import dev.loupe.standalone.corpus.CorpusGenerator;
import dev.loupe.standalone.corpus.RandomRepeats;
import dev.loupe.standalone.corpus.SeededRandom;
import java.util.Arrays;

/**
 * What the demo model is trained on, in rows that fill its context. Each document begins with the
 * end-of-text token, and each row begins with a document; the last document of a row is cut where
 * the row ends. Row {@code i} depends on the seed and on {@code i} alone, so training can go on
 * anywhere.
 */
public final class TrainingRows {
  /** Document indices set aside for a row; more documents than that never fit. */
  private static final int DOCUMENTS_PER_ROW = 64;

  private static final int SHORTEST_REPEATS = 16;

  private final CorpusGenerator corpus;
  private final BpeTokenizer tokenizer;
  private final long seed;
  private final int endOfText;
  private final int length;
  private final double repeatsShare;

  /**
   * @param corpus where the text comes from
   * @param tokenizer a tokenizer with an end-of-text token
   * @param seed of the choice between text and random sequences, and of the latter
   * @param endOfText id that begins each document
   * @param length tokens in a row
   * @param repeatsShare probability that a document is a repeated random sequence instead of text
   */
  public TrainingRows(
      CorpusGenerator corpus,
      BpeTokenizer tokenizer,
      long seed,
      int endOfText,
      int length,
      double repeatsShare) {
    this.corpus = corpus;
    this.tokenizer = tokenizer;
    this.seed = seed;
    this.endOfText = endOfText;
    this.length = length;
    this.repeatsShare = repeatsShare;
  }

  /** Token ids of a row of the training set, [length]. */
  public int[] row(long index) {
    return row(index, index * DOCUMENTS_PER_ROW);
  }

  /** Token ids of a row of held-out text, [length]: no document of it is in any training row. */
  public int[] heldOut(long index) {
    return row(~index, CorpusGenerator.HELD_OUT + index * DOCUMENTS_PER_ROW);
  }

  private int[] row(long stream, long firstDocument) {
    SeededRandom random = new SeededRandom(seed, stream);
    int[] row = new int[length];
    int filled = 0;
    long document = firstDocument;
    while (filled < length) {
      row[filled++] = endOfText;
      int room = length - filled;
      int[] ids;
      if (room >= SHORTEST_REPEATS && random.nextDouble() < repeatsShare) {
        ids = new RandomRepeats(tokenizer.size(), endOfText, room).next(random);
      } else {
        ids = tokenizer.encode(corpus.document(document++).text()).ids();
      }
      int taken = Math.min(ids.length, room);
      System.arraycopy(ids, 0, row, filled, taken);
      filled += taken;
    }
    return row;
  }

  /** Rows {@code first} to {@code first + count - 1} of the training set, [count, length]. */
  public int[][] rows(long first, int count) {
    int[][] rows = new int[count][];
    Arrays.setAll(rows, i -> row(first + i));
    return rows;
  }
}
