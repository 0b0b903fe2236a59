package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.Fidelity;
import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.ModelInfo;
import dev.loupe.standalone.terminal.Terminal;
import java.nio.file.Path;
import java.util.Optional;

/**
 * From a prompt to named features, told as a client of Loupe's services: what the model predicts,
 * the heads and the neurons behind it, a dictionary trained on its activations, and a steered text.
 * The first and the last of the ten steps, starting and serving, are the caller's.
 */
public final class Story {
  /** The seed of the corpus that the shipped model was trained on. */
  private static final long CORPUS_SEED = 1;

  private final DemoContext context;
  private final Summary summary = new Summary();

  private Story(DemoContext context) {
    this.context = context;
  }

  /** The story of the shipped model on the labelled corpus that it was trained for. */
  public static Story ofShippedModel(
      LoupeClient client,
      ModelInfo model,
      DemoSettings settings,
      String prompt,
      Terminal terminal) {
    return new Story(
        new DemoContext(
            client, model, new GeneratedText(CORPUS_SEED), settings, prompt, true, terminal));
  }

  /**
   * The same story on a reader's own model or text.
   *
   * @param corpus a file or folder; null means the labelled corpus
   * @param capitals whether the model is the shipped one, which knows the capitals
   * @throws DemoException if the corpus cannot be used
   */
  public static Story ofOwnModel(
      LoupeClient client,
      ModelInfo model,
      Path corpus,
      boolean capitals,
      DemoSettings settings,
      String prompt,
      Terminal terminal) {
    TextSource text = corpus == null ? new GeneratedText(CORPUS_SEED) : new FileText(corpus);
    return new Story(new DemoContext(client, model, text, settings, prompt, capitals, terminal));
  }

  /**
   * Tells steps 2 to 9.
   *
   * @return the figures that were measured
   * @throws DemoException if it cannot be told with this text
   */
  public Figures tell() {
    StoryText text = StoryText.read(context);
    heading(2, "Predict");
    PredictStep.Result prediction = new PredictStep(context).run();
    heading(3, "Attention heads");
    HeadsStep.Result heads = new HeadsStep(context, text.choose()).run();
    heading(4, "Neurons that mean several things");
    NeuronsStep.Result neurons = new NeuronsStep(context, text.choose(), text.report()).run();
    heading(5, "Train a dictionary on streamed activations");
    TrainStep.Result training = new TrainStep(context, text.training()).run();
    heading(6, "What the dictionary keeps");
    Fidelity fidelity = new EvaluateStep(context, text.heldOut()).run(training.dictionary());
    heading(7, "Features that mean one thing");
    FeatureActivations activations =
        FeatureActivations.read(context, text.choose(), text.report(), training.dictionary());
    PublishStep.Result published =
        new PublishStep(context, text.heldOut()).run(training.dictionary(), activations);
    heading(8, "A neuron taken apart, and the prompt in features");
    new ExplainStep(context).run(training.dictionary(), neurons, activations);
    heading(9, "Steer");
    Optional<SteerStep.Result> steering =
        new SteerStep(context, training.dictionary(), activations, published.labels())
            .run(prediction.best(), published.matches());
    return new Figures(context, summary)
        .prediction(prediction)
        .heads(heads)
        .concepts(neurons, published)
        .training(training)
        .fidelity(fidelity)
        .steering(steering);
  }

  private void heading(int step, String title) {
    context.terminal().heading(step + " of 10: " + title);
  }
}
