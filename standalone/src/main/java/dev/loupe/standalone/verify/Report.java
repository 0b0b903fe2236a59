package dev.loupe.standalone.verify;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.loupe.standalone.client.ModelInfo;
import dev.loupe.standalone.terminal.Table;
import dev.loupe.standalone.terminal.Terminal;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * What came of a verification.
 *
 * @param model that was verified
 * @param measure what the errors are
 * @param checks all comparisons, values of a pass in its order
 */
record Report(ModelInfo model, String measure, List<Check> checks) {
  /** Errors of {@link Deviation#relative}. */
  static final String SHARES =
      "the largest deviation of each, as a share of the expected tensor's largest magnitude";

  /** Errors of logits. */
  static final String LOGITS = "the deviation of each logit from the known one";

  /** Whether every comparison holds. */
  boolean holds() {
    return checks.stream().allMatch(Check::holds);
  }

  /** Prints a line for each comparison, and the sum of it. */
  void print(Terminal terminal) {
    terminal.line(
        "%s (weights %s..., on %s): %s",
        model.name(), model.weightsSha256().substring(0, 12), model.device(), measure);
    Table table = new Table("group", "what", "error", "tolerance", "");
    for (Check check : checks) {
      table.row(
          check.group(),
          check.name(),
          number(check.error()),
          number(check.tolerance()),
          check.holds()
              ? "ok"
              : "MISMATCH" + (check.detail().isEmpty() ? "" : ": " + check.detail()));
    }
    terminal.table(table);
    terminal.line("");
    terminal.line(summary());
  }

  /** All of it in a sentence or two. */
  String summary() {
    List<Check> failed = checks.stream().filter(check -> !check.holds()).toList();
    Check worst = checks.stream().max(Comparator.comparingDouble(Check::error)).orElseThrow();
    if (failed.isEmpty()) {
      return "VERIFIED: %d of %d comparisons hold; the largest error is %s, at %s."
          .formatted(checks.size(), checks.size(), number(worst.error()), worst.name());
    }
    Check first = failed.get(0);
    return "MISMATCH: %d of %d comparisons do not hold. The first is %s of \"%s\": the error is %s, the tolerance %s. The largest error is %s, at %s of \"%s\"."
        .formatted(
            failed.size(),
            checks.size(),
            first.name(),
            first.group(),
            number(first.error()),
            number(first.tolerance()),
            number(worst.error()),
            worst.name(),
            worst.group());
  }

  /** The same as JSON; an infinite error is null. */
  String json() {
    ObjectNode root = new ObjectMapper().createObjectNode();
    root.put("model", model.name());
    root.put("weights_sha256", model.weightsSha256());
    root.put("device", model.device());
    root.put("holds", holds());
    ArrayNode list = root.putArray("checks");
    for (Check check : checks) {
      ObjectNode node = list.addObject();
      node.put("group", check.group());
      node.put("name", check.name());
      node.put("error", Double.isFinite(check.error()) ? check.error() : null);
      node.put("tolerance", check.tolerance());
      node.put("holds", check.holds());
      if (!check.detail().isEmpty()) {
        node.put("detail", check.detail());
      }
    }
    return root.toPrettyString() + "\n";
  }

  private static String number(double value) {
    return value == 0 ? "0" : String.format(Locale.ROOT, "%.1e", value);
  }
}
