package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.LensRow;
import dev.loupe.standalone.client.LogitPart;
import dev.loupe.standalone.client.TokenGuess;
import dev.loupe.standalone.client.TokenizedText;
import dev.loupe.standalone.terminal.DisplayText;
import dev.loupe.standalone.terminal.Table;
import dev.loupe.standalone.terminal.Terminal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/** What the model predicts, and where in its layers it decides. */
final class PredictStep {
  private static final int TOP = 5;
  private static final int PARTS = 6;
  private static final int ROWS_A_PASS = 64;

  private final DemoContext context;

  PredictStep(DemoContext context) {
    this.context = context;
  }

  /**
   * What was found.
   *
   * @param best the likeliest next token
   * @param statesCorrect states whose whole capital the model predicts; empty where it was not
   *     asked
   */
  record Result(TokenGuess best, OptionalInt statesCorrect) {}

  Result run() {
    List<TokenGuess> guesses = context.modelClient().predict(context.prompt(), TOP);
    TokenGuess best = guesses.get(0);
    Terminal terminal = context.terminal();
    terminal.line("Prompt: %s", DisplayText.quoted(context.prompt()));
    Table predictions = new Table("next token", "probability", "logit");
    guesses.forEach(
        g ->
            predictions.row(
                DisplayText.quoted(g.token()), percent(g.probability()), num(g.logit())));
    terminal.table(predictions);
    showLens(best);
    showParts(best);
    OptionalInt states = context.capitals() ? OptionalInt.of(countStates()) : OptionalInt.empty();
    states.ifPresent(
        n ->
            terminal.line("All fifty states asked in the same words: %d of 50 capitals right.", n));
    return new Result(best, states);
  }

  private void showLens(TokenGuess best) {
    context.terminal().line("");
    context
        .terminal()
        .line(
            "Logit lens: what the model would say if it stopped after each layer, and its belief in %s:",
            DisplayText.quoted(best.token()));
    Table table = new Table("after", "likeliest", "probability", "of the answer", "change");
    double before = 0;
    boolean first = true;
    for (LensRow row : context.modelClient().logitLens(context.prompt(), 1, best.id())) {
      double p = row.tracked().probability();
      table.row(
          first ? "embedding" : layerName(row.hookPoint()),
          DisplayText.quoted(row.top().get(0).token()),
          percent(row.top().get(0).probability()),
          percent(p),
          first ? "" : String.format(Locale.ROOT, "%+.1f", (p - before) * 100));
      before = p;
      first = false;
    }
    context.terminal().table(table);
  }

  private void showParts(TokenGuess best) {
    List<LogitPart> parts =
        context.modelClient().attribute(context.prompt(), best.id()).stream()
            .sorted(Comparator.comparingDouble((LogitPart part) -> -Math.abs(part.logit())))
            .limit(PARTS)
            .toList();
    context.terminal().line("");
    context.terminal().line("The components that write most to its logit:");
    Table table = new Table("component", "logit");
    parts.forEach(p -> table.row(p.component(), String.format(Locale.ROOT, "%+.2f", p.logit())));
    context.terminal().table(table);
  }

  /** Asks for every state's capital; every token of the capital must be the likeliest one. */
  private int countStates() {
    List<StateCapitals.Pair> pairs = StateCapitals.all();
    List<TokenizedText> prompts =
        tokenize(pairs.stream().map(p -> "The capital of " + p.state() + " is").toList());
    List<TokenizedText> capitals = tokenize(pairs.stream().map(p -> " " + p.capital()).toList());
    Map<Integer, List<Integer>> byLength = new TreeMap<>();
    for (int i = 0; i < pairs.size(); i++) {
      byLength.computeIfAbsent(capitals.get(i).ids().length, n -> new ArrayList<>()).add(i);
    }
    int correct = 0;
    for (List<Integer> group : byLength.values()) {
      correct += countGroup(group, prompts, capitals);
    }
    return correct;
  }

  private int countGroup(
      List<Integer> group, List<TokenizedText> prompts, List<TokenizedText> capitals) {
    int length = capitals.get(group.get(0)).ids().length;
    List<Integer> positions = new ArrayList<>();
    for (int p = 0; p < length; p++) {
      positions.add(p - length - 1);
    }
    int correct = 0;
    for (int from = 0; from < group.size(); from += ROWS_A_PASS) {
      List<Integer> some = group.subList(from, Math.min(group.size(), from + ROWS_A_PASS));
      List<int[]> rows =
          some.stream().map(i -> row(prompts.get(i).ids(), capitals.get(i).ids())).toList();
      int[][] predicted = context.modelClient().predictTokens(rows, positions);
      for (int r = 0; r < predicted.length; r++) {
        correct += java.util.Arrays.equals(predicted[r], capitals.get(some.get(r)).ids()) ? 1 : 0;
      }
    }
    return correct;
  }

  private int[] row(int[] prompt, int[] capital) {
    int[] row = new int[1 + prompt.length + capital.length];
    row[0] = context.model().bosToken();
    System.arraycopy(prompt, 0, row, 1, prompt.length);
    System.arraycopy(capital, 0, row, 1 + prompt.length, capital.length);
    return row;
  }

  private List<TokenizedText> tokenize(List<String> texts) {
    return context.modelClient().tokenize(texts);
  }

  private static String layerName(String hookPoint) {
    return "block " + hookPoint.split("\\.")[1];
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f%%", share * 100);
  }

  private static String num(double value) {
    return String.format(Locale.ROOT, "%.2f", value);
  }
}
