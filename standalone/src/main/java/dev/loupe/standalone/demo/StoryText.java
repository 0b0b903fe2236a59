package dev.loupe.standalone.demo;

import dev.loupe.standalone.corpus.LabelledDocument;
import java.util.Iterator;
import java.util.List;

/**
 * The story's text as the model reads it.
 *
 * @param training what the dictionary is trained on
 * @param heldOut what it is measured on, {@code choose} and {@code report} together
 * @param choose held-out text on which units are chosen
 * @param report held-out text on which they are measured
 */
record StoryText(
    TrainingText training, TrainingText heldOut, HeldOutText choose, HeldOutText report) {
  private static final int FEWEST_TRAINING_ROWS = 8;
  private static final int FEWEST_HELD_OUT_ROWS = 2;

  /**
   * Reads and tokenizes the text.
   *
   * @throws DemoException if there is too little of it
   */
  static StoryText read(DemoContext context) {
    List<TextRow> heldOut =
        pack(
            context,
            "tokenizing held-out text",
            context.text().heldOut(),
            context.settings().heldOutRows() * 2);
    List<TextRow> training =
        pack(
            context,
            "tokenizing text to train on",
            context.text().training(),
            context.settings().trainingRows());
    if (training.size() < FEWEST_TRAINING_ROWS || heldOut.size() < FEWEST_HELD_OUT_ROWS) {
      throw new DemoException(
          "there is too little text in "
              + context.text().description()
              + ": it fills "
              + (training.size() + heldOut.size())
              + " rows of "
              + context.settings().rowLength()
              + " tokens, and at least "
              + (FEWEST_TRAINING_ROWS + FEWEST_HELD_OUT_ROWS)
              + " in several pieces are needed");
    }
    int half = heldOut.size() / 2;
    return new StoryText(
        stored(context, "train", training),
        stored(context, "held-out", heldOut),
        new HeldOutText(heldOut.subList(0, half)),
        new HeldOutText(heldOut.subList(half, heldOut.size())));
  }

  private static List<TextRow> pack(
      DemoContext context, String label, Iterator<LabelledDocument> documents, int rows) {
    RowPacker packer =
        new RowPacker(
            context.modelClient(), context.model().bosToken(), context.settings().rowLength());
    List<List<TextRow>> packed = new java.util.ArrayList<>();
    context.withBar(label, progress -> packed.add(packer.pack(documents, rows, progress)));
    return packed.get(0);
  }

  private static TrainingText stored(DemoContext context, String kind, List<TextRow> rows) {
    String id =
        "demo-"
            + kind
            + "-"
            + Fingerprint.of(
                context.model().weightsSha256(),
                context.text().fingerprint(),
                context.settings().rowLength(),
                rows.size());
    return new TrainingText(id, rows.stream().map(TextRow::ids).toList());
  }
}
