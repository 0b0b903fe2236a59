package dev.loupe.gateway.analysis;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.ResourcePattern;

/**
 * What to look at, checked as far as it can be without asking a service.
 *
 * @param model {@code models/{model}}
 * @param dictionary {@code dictionaries/{dictionary}}
 * @param prompt 1 to {@value #MAX_PROMPT} characters
 * @param topPredictions 1 to {@value #MAX_TOP}
 * @param topFeatures at each token, 1 to {@value #MAX_TOP}
 */
public record Question(
    String model, String dictionary, String prompt, int topPredictions, int topFeatures) {
  static final int MAX_PROMPT = 20_000;
  static final int MAX_TOP = 100;
  private static final int DEFAULT_PREDICTIONS = 10;
  private static final int DEFAULT_FEATURES = 5;
  private static final ResourcePattern DICTIONARY = ResourcePattern.of("dictionaries/{dictionary}");

  /**
   * Checks a question; a number of 0 takes the default.
   *
   * @throws LoupeException INVALID_NAME, EMPTY_PROMPT, PROMPT_TOO_LONG or INVALID_VALUE
   */
  public static Question of(
      String model, String dictionary, String prompt, int topPredictions, int topFeatures) {
    if (!model.matches("models/[^/]+")) {
      throw LoupeException.invalid(
          ErrorReason.INVALID_NAME, "model", model, "a name of the form models/{model}");
    }
    DICTIONARY.parseId("dictionary", dictionary);
    if (prompt.isEmpty()) {
      throw LoupeException.of(
          ErrorReason.EMPTY_PROMPT, "prompt is empty; give 1 to " + MAX_PROMPT + " characters");
    }
    int characters = prompt.codePointCount(0, prompt.length());
    if (characters > MAX_PROMPT) {
      throw LoupeException.of(
          ErrorReason.PROMPT_TOO_LONG,
          "prompt has " + characters + " characters; give 1 to " + MAX_PROMPT);
    }
    return new Question(
        model,
        dictionary,
        prompt,
        top("top_predictions", topPredictions, DEFAULT_PREDICTIONS),
        top("top_features", topFeatures, DEFAULT_FEATURES));
  }

  private static int top(String field, int asked, int standard) {
    if (asked < 0 || asked > MAX_TOP) {
      throw LoupeException.invalidValue(field, asked, "1 to " + MAX_TOP + ", or 0 for " + standard);
    }
    return asked == 0 ? standard : asked;
  }
}
