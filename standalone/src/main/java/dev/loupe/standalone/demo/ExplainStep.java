package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.FeatureSummary;
import dev.loupe.standalone.client.PromptToken;
import dev.loupe.standalone.terminal.DisplayText;
import dev.loupe.standalone.terminal.Table;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * One polysemantic neuron taken apart into features, and the features on each token of the prompt.
 */
final class ExplainStep {
  private static final int PARTS = 8;
  private static final int FEATURES_EACH = 3;
  private static final int WORDS = 4;

  private final DemoContext context;

  ExplainStep(DemoContext context) {
    this.context = context;
  }

  void run(String dictionary, NeuronsStep.Result neurons, FeatureActivations activations) {
    if (neurons.polysemantic().isEmpty()) {
      context.terminal().line("No neuron fired, so there is none to take apart.");
    } else {
      decompose(dictionary, neurons, activations);
    }
    showPrompt(dictionary);
  }

  private void decompose(
      String dictionary, NeuronsStep.Result neurons, FeatureActivations activations) {
    PolysemanticNeuron neuron = null;
    NeuronDecomposition.Result best = null;
    for (PolysemanticNeuron candidate : neurons.polysemantic()) {
      NeuronDecomposition.Result result =
          NeuronDecomposition.decompose(
              neurons.chooseUnits().column(candidate.neuron()).values(),
              activations.choose(),
              neurons.reportUnits().column(candidate.neuron()).values(),
              activations.report(),
              PARTS);
      if (best == null || spread(result) > spread(best)) {
        neuron = candidate;
        best = result;
      }
    }
    context
        .terminal()
        .line(
            "Neuron %s as a sum of features (least squares on one half of the held-out text): %d of"
                + " them explain %.0f %% of its variance on the other half.",
            neuron.label(), best.parts().size(), best.explained() * 100);
    Map<Integer, FeatureSummary> stored =
        context
            .client()
            .features(dictionary)
            .get(best.parts().stream().map(NeuronDecomposition.Part::feature).toList())
            .stream()
            .collect(Collectors.toMap(FeatureSummary::feature, Function.identity()));
    Table table = new Table("feature", "label", "fires most on", "share of variance");
    for (NeuronDecomposition.Part part : best.parts()) {
      FeatureSummary feature = stored.get(part.feature());
      table.row(
          Integer.toString(part.feature()),
          feature == null ? "" : feature.label(),
          feature == null ? "" : words(feature.peakTokens()),
          String.format(Locale.ROOT, "%.1f%%", part.gain() * 100));
    }
    context.terminal().table(table);
  }

  /**
   * What the features beyond the first add: a neuron of several senses is not one feature's echo.
   */
  private static double spread(NeuronDecomposition.Result result) {
    return result.parts().isEmpty() ? 0 : result.explained() - result.parts().get(0).gain();
  }

  private void showPrompt(String dictionary) {
    List<PromptToken> tokens =
        context
            .client()
            .analysis()
            .analyze(context.model().name(), dictionary, context.prompt(), FEATURES_EACH);
    context.terminal().line("");
    context
        .terminal()
        .line("The strongest features on each token of %s:", DisplayText.quoted(context.prompt()));
    Table table = new Table("token", "features (activation)");
    for (PromptToken token : tokens) {
      table.row(
          DisplayText.quoted(token.token()),
          token.features().stream().map(ExplainStep::firing).collect(Collectors.joining("; ")));
    }
    context.terminal().table(table);
  }

  private static String firing(PromptToken.Firing firing) {
    String name = firing.label().isEmpty() ? "feature" : firing.label();
    return String.format(Locale.ROOT, "%s %d (%.1f)", name, firing.feature(), firing.activation());
  }

  private static String words(List<String> tokens) {
    return tokens.stream().limit(WORDS).map(DisplayText::quoted).collect(Collectors.joining(" "));
  }
}
