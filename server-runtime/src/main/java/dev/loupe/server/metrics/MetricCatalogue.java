package dev.loupe.server.metrics;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/** Checks and prints a service's catalogue of metrics. */
public final class MetricCatalogue {
  private static final Pattern ID = Pattern.compile("loupe(\\.[a-z][a-z0-9]*)+");
  private static final Set<String> NOT_BASE =
      Set.of("milliseconds", "ms", "minutes", "kilobytes", "megabytes", "mib", "percent");

  private MetricCatalogue() {}

  /**
   * What is wrong with a catalogue, a sentence each; empty when nothing is. For a service's test.
   */
  public static List<String> problems(Collection<? extends MetricSpec> metrics) {
    List<String> problems = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (MetricSpec metric : metrics) {
      if (!ID.matcher(metric.id()).matches()) {
        problems.add(metric.id() + " is no dotted lower-case name that starts with loupe.");
      }
      if (!seen.add(metric.id())) {
        problems.add(metric.id() + " stands there twice");
      }
      if (metric.id().endsWith(".total") || metric.id().endsWith("." + metric.unit())) {
        problems.add(metric.id() + " repeats what its type or unit says");
      }
      if (metric.unit().isBlank() || NOT_BASE.contains(metric.unit())) {
        problems.add(metric.id() + " is not in a base unit but in \"" + metric.unit() + "\"");
      }
      if (metric.type() == MetricSpec.Type.TIMER && !metric.unit().equals("seconds")) {
        problems.add(metric.id() + " is a timer, so its unit is seconds");
      }
      if (metric.help().length() < 10 || !metric.help().endsWith(".")) {
        problems.add(metric.id() + " has no sentence of help");
      }
    }
    return problems;
  }

  /** A Markdown table of a catalogue with the names that Prometheus sees. */
  public static String markdown(Collection<? extends MetricSpec> metrics) {
    StringBuilder table = new StringBuilder("| metric | type | unit | help |\n|---|---|---|---|\n");
    for (MetricSpec metric : metrics) {
      table.append(
          String.format(
              "| `%s` | %s | %s | %s |\n",
              prometheusName(metric),
              metric.type().name().toLowerCase(Locale.ROOT),
              metric.unit(),
              metric.help()));
    }
    return table.toString();
  }

  /** The name under which Prometheus sees a metric. */
  public static String prometheusName(MetricSpec metric) {
    String name = metric.id().replace('.', '_') + "_" + metric.unit();
    return metric.type() == MetricSpec.Type.COUNTER ? name + "_total" : name;
  }
}
