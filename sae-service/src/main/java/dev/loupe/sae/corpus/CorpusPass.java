package dev.loupe.sae.corpus;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/** The batches of one pass over a corpus, from its first row, in its own order. */
public final class CorpusPass implements Iterator<TokenBatch> {
  private final Corpus corpus;
  private final BatchPlan plan;
  private final long end;
  private long next;
  private long batches;

  /**
   * A pass.
   *
   * @param maxRows rows to run; 0 for all
   */
  public CorpusPass(Corpus corpus, BatchPlan plan, long maxRows) {
    this.corpus = corpus;
    this.plan = plan;
    this.end = maxRows == 0 ? corpus.rows() : Math.min(maxRows, corpus.rows());
  }

  /** Rows in all. */
  public long totalRows() {
    return end;
  }

  @Override
  public boolean hasNext() {
    return next < end;
  }

  @Override
  public TokenBatch next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    long first = next;
    List<Long> numbers = new ArrayList<>();
    List<int[]> rows = new ArrayList<>();
    int longest = 0;
    while (next < end && plan.fits(rows.size() + 1, Math.max(longest, corpus.length(next)))) {
      longest = Math.max(longest, corpus.length(next));
      numbers.add(next);
      rows.add(corpus.row(next++));
    }
    return new TokenBatch(batches++, first, numbers, rows);
  }
}
