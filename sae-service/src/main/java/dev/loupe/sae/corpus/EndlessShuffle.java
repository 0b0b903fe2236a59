package dev.loupe.sae.corpus;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * The batches of endless passes over a corpus, each pass in a new order that the seed and the
 * pass's number determine. A place in it is one number, so a run can go on from any batch.
 */
public final class EndlessShuffle implements Iterator<TokenBatch> {
  private final Corpus corpus;
  private final BatchPlan plan;
  private final long seed;
  private long place;
  private long batches;
  private long pass = -1;
  private int[] order;

  /**
   * Starts at a place.
   *
   * @param place rows that were run before, over all passes
   */
  public EndlessShuffle(Corpus corpus, BatchPlan plan, long seed, long place) {
    this.corpus = corpus;
    this.plan = plan;
    this.seed = seed;
    this.place = place;
  }

  @Override
  public boolean hasNext() {
    return true;
  }

  @Override
  public TokenBatch next() {
    long first = place;
    long rowsInPass = corpus.rows();
    if (pass != place / rowsInPass) {
      pass = place / rowsInPass;
      order = orderOf(pass);
    }
    List<Long> numbers = new ArrayList<>();
    List<int[]> rows = new ArrayList<>();
    int longest = 0;
    // A batch never crosses from one pass to the next, so that it can be cut without both orders.
    while (place / rowsInPass == pass) {
      int row = order[(int) (place % rowsInPass)];
      int length = Math.max(longest, corpus.length(row));
      if (!plan.fits(rows.size() + 1, length)) {
        break;
      }
      longest = length;
      numbers.add((long) row);
      rows.add(corpus.row(row));
      place++;
    }
    return new TokenBatch(batches++, first, numbers, rows);
  }

  private int[] orderOf(long number) {
    int[] shuffled = new int[Math.toIntExact(corpus.rows())];
    for (int i = 0; i < shuffled.length; i++) {
      shuffled[i] = i;
    }
    SplitMix random = new SplitMix(SplitMix.mix(seed) + number);
    for (int i = shuffled.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int kept = shuffled[i];
      shuffled[i] = shuffled[other];
      shuffled[other] = kept;
    }
    return shuffled;
  }
}
