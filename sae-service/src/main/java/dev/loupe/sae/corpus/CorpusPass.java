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
  private final long step;
  private long next;
  private long batches;

  /**
   * A pass.
   *
   * @param maxRows rows to run; 0 for all
   */
  public CorpusPass(Corpus corpus, BatchPlan plan, long maxRows) {
    this(corpus, plan, maxRows, 1);
  }

  private CorpusPass(Corpus corpus, BatchPlan plan, long maxRows, long step) {
    this.corpus = corpus;
    this.plan = plan;
    this.end = maxRows == 0 ? corpus.rows() : Math.min(maxRows, corpus.rows());
    this.step = step;
  }

  /**
   * A pass over rows that lie evenly among those of the whole pass.
   *
   * @param maxRows rows of the whole pass; 0 for all
   * @param tokens about how many tokens they have together: half as many to as many where the whole
   *     pass has more, but at least one row
   */
  public static CorpusPass sample(Corpus corpus, BatchPlan plan, long maxRows, long tokens) {
    CorpusPass whole = new CorpusPass(corpus, plan, maxRows);
    long all = 0;
    for (long row = 0; row < whole.end; row++) {
      all += corpus.length(row);
    }
    return new CorpusPass(corpus, plan, maxRows, Math.max(1, -Math.floorDiv(-all, tokens)));
  }

  /** Rows in all. */
  public long totalRows() {
    return -Math.floorDiv(-end, step);
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
      rows.add(corpus.row(next));
      next += step;
    }
    return new TokenBatch(batches++, first, numbers, rows);
  }
}
