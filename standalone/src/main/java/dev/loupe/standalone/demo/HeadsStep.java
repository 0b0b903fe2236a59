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

  /**
   * The best heads.
   *
   * @param previousToken by the share of all its attention that goes to the token before
   * @param previousOfOthers by the share of its attention to other tokens, which leaves out what a
   *     token pays to itself
   */
  record Result(HeadFit previousToken, HeadFit previousOfOthers, HeadFit induction) {}

  Result run() {
    int half = Math.min(LONGEST_HALF, (context.model().contextSize() - 1) / 2);
    List<int[]> texts = text.ids().stream().limit(TEXTS).toList();
    List<HeadFit> previous = context.modelClient().previousTokenHeads(texts, false);
    HeadFit ofOthers = context.modelClient().previousTokenHeads(texts, true).get(0);
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
    context
        .terminal()
        .line(
            "Of its attention to other tokens, %s pays %.1f %% to the one before.",
            ofOthers.label(), ofOthers.score() * 100);
    return new Result(previous.get(0), ofOthers, induction.get(0));
  }

  private static String score(HeadFit fit) {
    return String.format(Locale.ROOT, "%.3f", fit.score());
  }
}
