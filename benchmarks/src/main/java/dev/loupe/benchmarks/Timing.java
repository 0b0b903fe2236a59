package dev.loupe.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How long something took over several rounds.
 *
 * @param minimum the shortest, in seconds: what it costs when nothing else runs
 * @param median in seconds
 */
public record Timing(double minimum, double median) {

  /** What is measured. */
  @FunctionalInterface
  public interface Work {
    /** Does it once. */
    void run() throws Exception;
  }

  /**
   * Times several things by turns, so that a slow moment of the machine meets all of them. A round
   * before the first is not counted.
   *
   * @return one timing for each, in their order
   */
  public static List<Timing> byTurns(int rounds, Work... works) throws Exception {
    double[][] seconds = new double[works.length][rounds];
    for (int round = -1; round < rounds; round++) {
      for (int i = 0; i < works.length; i++) {
        long start = System.nanoTime();
        works[i].run();
        if (round >= 0) {
          seconds[i][round] = (System.nanoTime() - start) * 1e-9;
        }
      }
    }
    List<Timing> timings = new ArrayList<>();
    for (double[] measured : seconds) {
      timings.add(of(measured));
    }
    return timings;
  }

  /** The timing of measured seconds, at least one. */
  public static Timing of(double... seconds) {
    double[] sorted = seconds.clone();
    Arrays.sort(sorted);
    int half = sorted.length / 2;
    double median = sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    return new Timing(sorted[0], median);
  }
}
