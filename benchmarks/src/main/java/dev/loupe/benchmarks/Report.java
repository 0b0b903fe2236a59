package dev.loupe.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** The numbers of a run: printed as they come, written as one JSON object. */
public final class Report {
  private final PrintWriter out;
  private final Map<String, Double> numbers = new LinkedHashMap<>();

  /** A report that prints to a writer. */
  public Report(PrintWriter out) {
    this.out = out;
  }

  /** Adds a number under a name of its own. */
  public void number(String name, double value) {
    if (numbers.put(name, value) != null) {
      throw new IllegalArgumentException(name + " was reported before");
    }
    out.printf("%-44s %12.6g%n", name, value);
    out.flush();
  }

  /** Adds seconds: {@code name}, of the shortest round, and {@code name_median}. */
  public void seconds(String name, Timing timing) {
    number(name, timing.minimum());
    number(name + "_median", timing.median());
  }

  /**
   * Adds the ratio of two timings of as many rounds: {@code name}, the median of the rounds'
   * ratios, and {@code name_of_minima}, that of their shortest rounds.
   */
  public void ratio(String name, Timing numerator, Timing denominator) {
    number(name, numerator.over(denominator));
    number(name + "_of_minima", numerator.minimum() / denominator.minimum());
  }

  /** All numbers so far, in the order in which they came. */
  public Map<String, Double> numbers() {
    return Collections.unmodifiableMap(numbers);
  }

  void write(Path file) throws IOException {
    new ObjectMapper()
        .enable(SerializationFeature.INDENT_OUTPUT)
        .writeValue(file.toFile(), numbers);
  }
}
