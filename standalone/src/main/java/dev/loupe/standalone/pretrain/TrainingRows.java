package dev.loupe.standalone.pretrain;

import dev.loupe.inference.pretraining.TrainingBatch;
import dev.loupe.inference.tokenizer.BpeTokenizer;
import dev.loupe.standalone.corpus.CorpusGenerator;
import dev.loupe.standalone.corpus.RandomRepeats;
import dev.loupe.standalone.corpus.SeededRandom;
import java.util.Arrays;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

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

  /** Documents whose tokens random sequences are drawn from. */
  private static final int SAMPLED_DOCUMENTS = 500;

  private final CorpusGenerator corpus;
  private final BpeTokenizer tokenizer;
  private final long seed;
  private final int endOfText;
  private final int length;
  private final RepeatsShare repeatsShare;
  private final int[] sampledIds;

  /**
   * @param corpus where the text comes from
   * @param tokenizer a tokenizer with an end-of-text token
   * @param seed of the choice between text and random sequences, and of the latter
   * @param endOfText id that begins each document
   * @param length tokens in a row
   * @param repeatsShare how many documents are repeated random sequences instead of text
   */
  TrainingRows(
      CorpusGenerator corpus,
      BpeTokenizer tokenizer,
      long seed,
      int endOfText,
      int length,
      RepeatsShare repeatsShare) {
    this.corpus = corpus;
    this.tokenizer = tokenizer;
    this.seed = seed;
    this.endOfText = endOfText;
    this.length = length;
    this.repeatsShare = repeatsShare;
    this.sampledIds =
        IntStream.range(0, SAMPLED_DOCUMENTS)
            .flatMap(i -> Arrays.stream(tokenizer.encode(corpus.document(i).text()).ids()))
            .toArray();
  }

  /** Token ids of a row of the training set, [length]. */
  public int[] row(long index) {
    return row(index, index * DOCUMENTS_PER_ROW, repeatsShare.at(index), new boolean[length]);
  }

  /** Token ids of a row of held-out text, [length]: no document of it is in any training row. */
  public int[] heldOut(long index) {
    long first = CorpusGenerator.HELD_OUT + index * DOCUMENTS_PER_ROW;
    return row(~index, first, repeatsShare.early(), new boolean[length]);
  }

  /**
   * Fills a row.
   *
   * @param targets set to true at each token that text or repetition explains
   */
  private int[] row(long stream, long firstDocument, double repeats, boolean[] targets) {
    SeededRandom random = new SeededRandom(seed, stream);
    int[] row = new int[length];
    int filled = 0;
    long document = firstDocument;
    while (filled < length) {
      targets[filled] = true;
      row[filled++] = endOfText;
      int room = length - filled;
      int[] ids;
      int unexplained = 0;
      if (room >= SHORTEST_REPEATS && random.nextDouble() < repeats) {
        RandomRepeats.Repeats drawn = new RandomRepeats(repeatedTokens(random), room).next(random);
        ids = drawn.ids();
        unexplained = drawn.period();
      } else {
        ids = tokenizer.encode(corpus.document(document++).text()).ids();
      }
      int taken = Math.min(ids.length, room);
      System.arraycopy(ids, 0, row, filled, taken);
      Arrays.fill(targets, Math.min(filled + unexplained, length), filled + taken, true);
      filled += taken;
    }
    return row;
  }

  /**
   * Half of the random sequences hold tokens as often as text does: copying is learnt sooner on
   * tokens that the model knows well. The other half hold all tokens alike.
   */
  private ToIntFunction<SeededRandom> repeatedTokens(SeededRandom random) {
    return random.nextInt(2) == 0
        ? r -> sampledIds[r.nextInt(sampledIds.length)]
        : RandomRepeats.uniform(tokenizer.size(), endOfText);
  }

  /**
   * Rows {@code first} to {@code first + count - 1} of the training set, [count, length]. What
   * comes first in a random sequence is shown and not asked: nothing could tell it.
   */
  public TrainingBatch batch(long first, int count) {
    int[][] rows = new int[count][];
    boolean[][] targets = new boolean[count][length];
    for (int i = 0; i < count; i++) {
      long index = first + i;
      rows[i] = row(index, index * DOCUMENTS_PER_ROW, repeatsShare.at(index), targets[i]);
    }
    return new TrainingBatch(rows, targets);
  }
}
