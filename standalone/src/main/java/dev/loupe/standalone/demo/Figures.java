package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.Fidelity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The figures of one run under the names by which they are known. Nothing here was not measured in
 * it.
 */
public final class Figures {
  private final DemoContext context;
  private final Summary summary;

  Figures(DemoContext context, Summary summary) {
    this.context = context;
    this.summary = summary;
    summary
        .put("model.name", context.model().name())
        .put("model.weights_sha256", context.model().weightsSha256())
        .put("text", context.text().description());
  }

  Figures prediction(PredictStep.Result prediction) {
    summary
        .put("prediction.prompt", context.prompt())
        .put("prediction.token", prediction.best().token())
        .put("prediction.probability", prediction.best().probability());
    if (prediction.statesCorrect().isPresent()) {
      summary.put("prediction.states_correct", prediction.statesCorrect().getAsInt());
    } else {
      summary.leftOut(
          "prediction.states_correct", "only the shipped model is asked for the capitals");
    }
    return this;
  }

  Figures heads(HeadsStep.Result heads) {
    summary
        .put("heads.induction_head", heads.induction().label())
        .put("heads.induction_score", heads.induction().score())
        .put("heads.previous_token_head", heads.previousToken().label())
        .put("heads.previous_token_score", heads.previousToken().score());
    return this;
  }

  Figures concepts(NeuronsStep.Result neurons, PublishStep.Result published) {
    if (!context.labelled()) {
      String reason = "the text has no concept labels";
      summary.leftOut("concepts.neuron_f1", reason).leftOut("concepts.feature_f1", reason);
      return this;
    }
    summary
        .put("concepts.neuron_f1", meanF1(neurons.allLayers()))
        .put("concepts.neuron_f1_same_layer", meanF1(neurons.sameLayer()))
        .put("concepts.feature_f1", published.matches().meanF1())
        .put("concepts.count", published.matches().byConcept().size());
    return this;
  }

  Figures training(TrainStep.Result training) {
    summary
        .put("sae.dictionary", training.dictionary())
        .put("sae.hook_point", context.settings().training().hookPoint())
        .put("activation_stream.rows_per_second", training.streamRowsPerSecond());
    if (training.trainRowsPerSecond().isPresent()) {
      summary.put("train.rows_per_second", training.trainRowsPerSecond().getAsDouble());
    } else {
      summary.put("train.reused", training.dictionary());
      summary.leftOut(
          "train.rows_per_second", "nothing was trained: an earlier run's dictionary was used");
    }
    return this;
  }

  Figures fidelity(Fidelity fidelity) {
    summary
        .put("sae.explained_variance", fidelity.explainedVariance())
        .put("sae.l0", fidelity.l0())
        .put("sae.ce_recovered", fidelity.ceRecovered())
        .put("sae.dead_fraction", fidelity.deadFraction())
        .put("sae.mse", fidelity.meanSquaredError())
        .put("sae.cosine", fidelity.cosine());
    return this;
  }

  Figures steering(Optional<SteerStep.Result> steering) {
    steering.ifPresent(
        s ->
            summary
                .put("steering.suppressed_feature", s.suppressed())
                .put("steering.probability_when_suppressed", s.probability())
                .put("steering.amplified_feature", s.amplified()));
    return this;
  }

  /**
   * Writes them as JSON.
   *
   * @param seconds how long the run took
   * @throws IOException if the file cannot be written
   */
  public void write(Path file, double seconds) throws IOException {
    summary.put("duration_seconds", seconds).write(file);
  }

  /** The figures as JSON. */
  public String json() {
    return summary.json();
  }

  private static double meanF1(List<ConceptFit> fits) {
    return fits.stream().mapToDouble(ConceptFit::f1).average().orElse(0);
  }
}
