package dev.loupe.inference.tokenizer;

import java.util.PriorityQueue;

/**
 * Merges the symbols of one word: always the pair of lowest rank, and of equal ones the leftmost,
 * until no pair merges (Sennrich et al. 2016). Short words are scanned anew after each merge; long
 * ones keep their pairs in a heap, so that a word of n bytes costs n log n.
 */
final class WordMerger {
  private static final int SCAN_LIMIT = 32;

  private final MergeTable merges;

  WordMerger(MergeTable merges) {
    this.merges = merges;
  }

  /** Merges in place; returns how many symbols are left at the front of the array. */
  int merge(int[] symbols, int count) {
    return count <= SCAN_LIMIT ? mergeByScan(symbols, count) : mergeByHeap(symbols, count);
  }

  int mergeByScan(int[] symbols, int count) {
    int left = count;
    while (left > 1) {
      int best = -1;
      int at = -1;
      for (int i = 0; i + 1 < left; i++) {
        int found = merges.find(symbols[i], symbols[i + 1]);
        if (found >= 0 && (best < 0 || merges.rank(found) < merges.rank(best))) {
          best = found;
          at = i;
        }
      }
      if (best < 0) {
        break;
      }
      symbols[at] = merges.product(best);
      System.arraycopy(symbols, at + 2, symbols, at + 1, left - at - 2);
      left--;
    }
    return left;
  }

  private record Candidate(int rank, int at, int left, int right, int product)
      implements Comparable<Candidate> {
    @Override
    public int compareTo(Candidate other) {
      int byRank = Integer.compare(rank, other.rank);
      return byRank != 0 ? byRank : Integer.compare(at, other.at);
    }
  }

  int mergeByHeap(int[] symbols, int count) {
    int[] next = new int[count];
    int[] previous = new int[count];
    PriorityQueue<Candidate> heap = new PriorityQueue<>();
    for (int i = 0; i < count; i++) {
      next[i] = i + 1 < count ? i + 1 : -1;
      previous[i] = i - 1;
    }
    for (int i = 0; i + 1 < count; i++) {
      offer(heap, symbols, i, i + 1);
    }
    // A symbol that was merged away is marked -1, which no vocabulary id is.
    Candidate top;
    while ((top = heap.poll()) != null) {
      int at = top.at();
      int after = symbols[at] == top.left() ? next[at] : -1;
      if (after < 0 || symbols[after] != top.right()) {
        continue;
      }
      symbols[at] = top.product();
      symbols[after] = -1;
      next[at] = next[after];
      if (next[at] >= 0) {
        previous[next[at]] = at;
        offer(heap, symbols, at, next[at]);
      }
      if (previous[at] >= 0) {
        offer(heap, symbols, previous[at], at);
      }
    }
    int left = 0;
    for (int i = 0; i < count; i++) {
      if (symbols[i] >= 0) {
        symbols[left++] = symbols[i];
      }
    }
    return left;
  }

  private void offer(PriorityQueue<Candidate> heap, int[] symbols, int at, int after) {
    int found = merges.find(symbols[at], symbols[after]);
    if (found >= 0) {
      heap.add(
          new Candidate(
              merges.rank(found), at, symbols[at], symbols[after], merges.product(found)));
    }
  }
}
