package dev.loupe.server;

import java.util.List;
import java.util.stream.Stream;

/**
 * What a service found when it looked at itself.
 *
 * @param problems that keep it from its work, each a sentence; health says NOT_SERVING while there
 *     is one
 * @param warnings about what it can go on without, each a sentence; they are said, and no more
 */
public record ServiceHealth(List<String> problems, List<String> warnings) {
  /** Nothing is wrong. */
  public static final ServiceHealth GOOD = new ServiceHealth(List.of(), List.of());

  /** Takes its own copies of the lists. */
  public ServiceHealth {
    problems = List.copyOf(problems);
    warnings = List.copyOf(warnings);
  }

  /** It cannot do its work. */
  public static ServiceHealth problem(String sentence) {
    return new ServiceHealth(List.of(sentence), List.of());
  }

  /** It does its work, though something is amiss. */
  public static ServiceHealth warning(String sentence) {
    return new ServiceHealth(List.of(), List.of(sentence));
  }

  /** What both found. */
  public ServiceHealth and(ServiceHealth other) {
    return new ServiceHealth(
        Stream.concat(problems.stream(), other.problems.stream()).toList(),
        Stream.concat(warnings.stream(), other.warnings.stream()).toList());
  }

  /** Whether it can do its work. */
  public boolean isServing() {
    return problems.isEmpty();
  }

  /** A line for each problem and warning, or {@code ok}. */
  public String text() {
    if (problems.isEmpty() && warnings.isEmpty()) {
      return "ok\n";
    }
    StringBuilder lines = new StringBuilder();
    problems.forEach(problem -> lines.append("problem: ").append(problem).append('\n'));
    warnings.forEach(warning -> lines.append("warning: ").append(warning).append('\n'));
    return lines.toString();
  }
}
