package dev.loupe.standalone.client;

import java.util.List;

/**
 * A token of a prompt with the features that fire on it, strongest first.
 *
 * @param token what the token stands for
 */
public record PromptToken(String token, List<Firing> features) {
  /** A feature that fires; the label is empty when the feature store has none. */
  public record Firing(int feature, double activation, String label) {}

  public PromptToken {
    features = List.copyOf(features);
  }
}
