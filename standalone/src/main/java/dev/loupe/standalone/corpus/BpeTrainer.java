package dev.loupe.standalone.corpus;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Trains a byte-level BPE (Sennrich et al., 2016; bytes as in GPT-2) on counted words.
 *
 * <p>A word counts with the square root of how often it occurs: the corpus is made of lists whose
 * words are about equally important, and rare names should be single tokens as frequent ones are.
 * Numbers count digit by digit and Chinese character by character, neither being made of words with
 * spaces between.
 */
public final class BpeTrainer {
  private static final Pattern PIECES =
      Pattern.compile(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern NUMBER = Pattern.compile("( ?\\p{N})\\p{N}*");

  private static final Pattern HAN = Pattern.compile("\\p{IsHan}");

  private final Map<String, Integer> counts = new TreeMap<>();

  /** Counts the words of a text. */
  public void add(String text) {
    add(text, 1);
  }

  /** Counts each word of a text as if the text occurred {@code times} times. */
  public void add(String text, int times) {
    Matcher matcher = PIECES.matcher(text);
    while (matcher.find()) {
      String piece = matcher.group();
      Matcher number = NUMBER.matcher(piece);
      if (number.matches()) {
        count(number.group(1), times);
      } else if (HAN.matcher(piece).find()) {
        piece.codePoints().forEach(character -> count(Character.toString(character), times));
      } else {
        count(piece, times);
      }
    }
  }

  private void count(String word, int times) {
    counts.merge(word, times, Integer::sum);
  }

  /**
   * Learns merges until the vocabulary is full or no pair occurs in more than one place.
   *
   * @param vocabulary number of ids, the 256 bytes and the end-of-text token included
   * @throws IllegalArgumentException if {@code vocabulary} is less than 257
   */
  public TrainedBpe train(int vocabulary) {
    if (vocabulary < 257) {
      throw new IllegalArgumentException(
          "vocabulary must be at least 257 (the bytes and the end of text), was " + vocabulary);
    }
    Merging merging = new Merging(counts);
    List<TrainedBpe.Merge> merges = new ArrayList<>();
    while (merging.tokens.size() < vocabulary - 1) {
      long best = merging.mostFrequentPair();
      if (best < 0) {
        break;
      }
      merges.add(
          new TrainedBpe.Merge(merging.tokens.get(left(best)), merging.tokens.get(right(best))));
      merging.merge(best);
    }
    return new TrainedBpe(merging.tokens, merges);
  }

  private static long pair(int left, int right) {
    return ((long) left << 32) | right;
  }

  private static int left(long pair) {
    return (int) (pair >>> 32);
  }

  private static int right(long pair) {
    return (int) pair;
  }

  /** The words as sequences of tokens so far, and where each pair occurs. */
  private static final class Merging {
    private final List<String> tokens = new ArrayList<>();
    private final List<int[]> words = new ArrayList<>();
    private final List<Integer> weights = new ArrayList<>();
    private final Map<Long, Long> pairCounts = new HashMap<>();
    private final Map<Long, TreeSet<Integer>> pairWords = new HashMap<>();

    Merging(Map<String, Integer> counts) {
      Map<String, Integer> ids = new HashMap<>();
      for (String token : ByteAlphabet.inIdOrder()) {
        ids.put(token, tokens.size());
        tokens.add(token);
      }
      counts.forEach(
          (word, count) -> {
            int[] symbols =
                ByteAlphabet.encode(word)
                    .chars()
                    .map(c -> ids.get(String.valueOf((char) c)))
                    .toArray();
            words.add(symbols);
            weights.add((int) Math.ceil(Math.sqrt(count)));
            count(words.size() - 1, 1);
          });
    }

    /** The pair with the largest count, ties to the smaller ids; -1 if none occurs twice. */
    long mostFrequentPair() {
      long best = -1;
      long most = 1;
      for (Map.Entry<Long, Long> entry : pairCounts.entrySet()) {
        long count = entry.getValue();
        if (count > most || (count == most && best >= 0 && entry.getKey() < best)) {
          most = count;
          best = entry.getKey();
        }
      }
      return best;
    }

    void merge(long pair) {
      int merged = tokens.size();
      tokens.add(tokens.get(left(pair)) + tokens.get(right(pair)));
      for (int word : List.copyOf(pairWords.get(pair))) {
        count(word, -1);
        words.set(word, replace(words.get(word), pair, merged));
        count(word, 1);
      }
    }

    private static int[] replace(int[] symbols, long pair, int merged) {
      int[] result = new int[symbols.length];
      int length = 0;
      for (int i = 0; i < symbols.length; i++) {
        if (i + 1 < symbols.length && pair(symbols[i], symbols[i + 1]) == pair) {
          result[length++] = merged;
          i++;
        } else {
          result[length++] = symbols[i];
        }
      }
      return Arrays.copyOf(result, length);
    }

    private void count(int word, int sign) {
      int[] symbols = words.get(word);
      for (int i = 0; i + 1 < symbols.length; i++) {
        long pair = pair(symbols[i], symbols[i + 1]);
        pairCounts.merge(pair, (long) sign * weights.get(word), Long::sum);
        if (sign > 0) {
          pairWords.computeIfAbsent(pair, key -> new TreeSet<>()).add(word);
        } else {
          pairWords.get(pair).remove(word);
        }
      }
    }
  }
}
