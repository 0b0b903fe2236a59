package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.HeadFit;
import dev.loupe.standalone.terminal.Table;
import java.util.List;
import java.util.Locale;

/** The attention heads that look one token back, and those that continue what was seen before. */
final class HeadsStep {
  private static final int SHOWN = 4;
  private static final int SEQUENCES = 16;
  private static final int TEXTS = 16;
  private static final int LONGEST_HALF = 50;
  private static final long SEED = 7;

  private final DemoContext context;
  private final HeldOutText text;

  HeadsStep(DemoContext context, HeldOutText text) {
    this.context = context;
    this.text = text;
  }

  /** The best heads. */
  record Result(HeadFit previousToken, HeadFit induction) {}

  Result run() {
    int half = Math.min(LONGEST_HALF, (context.model().contextSize() - 1) / 2);
    List<HeadFit> previous =
        context.modelClient().previousTokenHeads(text.ids().stream().limit(TEXTS).toList());
    List<HeadFit> induction = context.modelClient().inductionHeads(half, SEQUENCES, SEED);
    context
        .terminal()
        .line(
            "Previous-token heads: mean attention from each token to the one before, %d texts.",
            TEXTS);
    context
        .terminal()
        .line(
            "Induction heads: %d random tokens, twice; mean attention from the second half to the"
                + " token after the earlier copy, %d sequences.",
            half, SEQUENCES);
    Table table = new Table("previous-token head", "score", "induction head", "score");
    for (int i = 0; i < Math.min(SHOWN, previous.size()); i++) {
      table.row(
          previous.get(i).label(),
          score(previous.get(i)),
          induction.get(i).label(),
          score(induction.get(i)));
    }
    context.terminal().table(table);
    return new Result(previous.get(0), induction.get(0));
  }

  private static String score(HeadFit fit) {
    return String.format(Locale.ROOT, "%.3f", fit.score());
  }
}
