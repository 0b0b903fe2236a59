package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.Fidelity;
import dev.loupe.standalone.terminal.Table;
import java.util.Locale;

/**
 * What the dictionary keeps of the activations, and what the model loses with it in their place.
 */
final class EvaluateStep {
  private final DemoContext context;
  private final TrainingText heldOut;

  EvaluateStep(DemoContext context, TrainingText heldOut) {
    this.context = context;
    this.heldOut = heldOut;
  }

  Fidelity run(String dictionary) {
    String corpus = heldOut.store(context);
    Fidelity[] measured = new Fidelity[1];
    context.withBar(
        "measuring on held-out text",
        progress ->
            measured[0] = context.client().dictionaries().evaluate(dictionary, corpus, progress));
    Fidelity f = measured[0];
    context
        .terminal()
        .table(
            new Table("measured on " + f.activations() + " held-out activations", "value")
                .row("explained variance", number(f.explainedVariance()))
                .row("L0, active features for each activation", number(f.l0()))
                .row("cosine of activation and reconstruction", number(f.cosine()))
                .row("dead features", number(f.deadFraction()))
                .row("loss of the model as it is, nats a token", number(f.ceClean()))
                .row("loss with the reconstruction in place", number(f.ceSpliced()))
                .row("loss with the activation set to zero", number(f.ceZeroAblated()))
                .row("cross-entropy recovered", number(f.ceRecovered())));
    return f;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
