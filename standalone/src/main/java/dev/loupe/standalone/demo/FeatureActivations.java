package dev.loupe.standalone.demo;

/** What a dictionary's features do on the two held-out texts. */
record FeatureActivations(
    HeldOutText chooseText, HeldOutText reportText, SparseUnits choose, SparseUnits report) {

  /** Encodes both texts. */
  static FeatureActivations read(
      DemoContext context, HeldOutText choose, HeldOutText report, String dictionary) {
    return new FeatureActivations(
        choose, report, encode(context, choose, dictionary), encode(context, report, dictionary));
  }

  private static SparseUnits encode(DemoContext context, HeldOutText text, String dictionary) {
    SparseUnits[] units = new SparseUnits[1];
    context.withBar(
        "encoding held-out text",
        progress ->
            units[0] =
                new UnitReader(context.client(), context.model().name())
                    .features(
                        text,
                        dictionary,
                        context.settings().training().hookPoint(),
                        context.settings().training().features(),
                        progress));
    return units[0];
  }
}
