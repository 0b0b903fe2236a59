package dev.loupe.benchmarks;

import dev.loupe.tensor.TensorEngine;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How long something took, round by round.
 *
 * @param rounds seconds, at least one
 */
public record Timing(List<Double> rounds) {

  /** Takes its own copy. */
  public Timing {
    rounds = List.copyOf(rounds);
    if (rounds.isEmpty()) {
      throw new IllegalArgumentException("no rounds; expected at least one");
    }
  }

  /** What is measured. */
  @FunctionalInterface
  public interface Work {
    /** Does it once. */
    void run() throws Exception;
  }

  /** Work on the engine's thread, where a server does its own. */
  static Work onEngine(Work work) {
    return () -> {
      Exception failure =
          TensorEngine.threads()
              .run(
                  () -> {
                    try {
                      work.run();
                      return null;
                    } catch (Exception e) {
                      return e;
                    }
                  });
      if (failure != null) {
        throw failure;
      }
    };
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
    return new Timing(Arrays.stream(seconds).boxed().toList());
  }

  /** The shortest round, in seconds. */
  public double minimum() {
    return rounds.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
  }

  /** The median round, in seconds. */
  public double median() {
    return median(rounds);
  }

  /**
   * The median over the rounds of how long this took over how long the other took in the same
   * round: a machine that changes its speed between rounds does not change it.
   */
  public double over(Timing other) {
    if (rounds.size() != other.rounds.size()) {
      throw new IllegalArgumentException(
          "%d rounds over %d".formatted(rounds.size(), other.rounds.size()));
    }
    return median(
        IntStream.range(0, rounds.size())
            .mapToObj(round -> rounds.get(round) / other.rounds.get(round))
            .toList());
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }
}
