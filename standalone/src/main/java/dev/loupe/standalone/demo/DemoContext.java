package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.ModelClient;
import dev.loupe.standalone.client.ModelInfo;
import dev.loupe.standalone.client.Progress;
import dev.loupe.standalone.terminal.ProgressBar;
import dev.loupe.standalone.terminal.Terminal;
import java.util.function.Consumer;

/**
 * What every step works with.
 *
 * @param client Loupe, through its gateway
 * @param model the model that the story is about
 * @param text where text comes from
 * @param prompt the text to look at
 * @param capitals whether the model and the corpus are those that know the capitals
 */
record DemoContext(
    LoupeClient client,
    ModelInfo model,
    TextSource text,
    DemoSettings settings,
    String prompt,
    boolean capitals,
    Terminal terminal) {

  /** Asks about the model. */
  ModelClient modelClient() {
    return client.model(model.name());
  }

  /** Whether the text is labelled with concepts. */
  boolean labelled() {
    return !text.concepts().isEmpty();
  }

  /** Does work under a progress bar. */
  void withBar(String label, Consumer<Progress> work) {
    try (ProgressBar bar = terminal.progress(label)) {
      work.accept(bar::at);
    }
  }
}
