package dev.loupe.standalone.verify;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * What is known of a model from elsewhere: the likeliest next tokens of some prompts, with their
 * logits.
 *
 * @param model its name
 * @param layers of the model that the facts are about
 * @param dModel width of its residual stream
 * @param vocabularySize its token ids
 * @param tolerance how far a logit may be from the known one
 * @param prompts the prompts
 */
record KnownFacts(
    String model,
    int layers,
    int dModel,
    int vocabularySize,
    double tolerance,
    List<KnownPrompt> prompts) {

  /** A token and its logit. */
  record TopToken(int id, double logit) {}

  /**
   * A prompt.
   *
   * @param text of it
   * @param tokens that the model's tokenizer makes of the text, nothing put before them
   * @param top the likeliest next tokens, best first
   */
  record KnownPrompt(String text, int[] tokens, List<TopToken> top) {}

  /** The facts about GPT-2 small that ship with Loupe. */
  static KnownFacts ofGpt2Small() throws IOException {
    try (InputStream file = KnownFacts.class.getResourceAsStream("gpt2-small.json")) {
      return read(file);
    }
  }

  static KnownFacts read(InputStream json) throws IOException {
    JsonNode root = new ObjectMapper().readTree(json);
    List<KnownPrompt> prompts = new ArrayList<>();
    for (JsonNode prompt : root.required("prompts")) {
      List<TopToken> top = new ArrayList<>();
      for (JsonNode token : prompt.required("top")) {
        top.add(
            new TopToken(token.required("id").intValue(), token.required("logit").doubleValue()));
      }
      int[] tokens = new int[prompt.required("tokens").size()];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = prompt.required("tokens").get(i).intValue();
      }
      prompts.add(new KnownPrompt(prompt.required("text").textValue(), tokens, top));
    }
    return new KnownFacts(
        root.required("model").textValue(),
        root.required("layers").intValue(),
        root.required("d_model").intValue(),
        root.required("vocabulary_size").intValue(),
        root.required("tolerance").doubleValue(),
        prompts);
  }
}
