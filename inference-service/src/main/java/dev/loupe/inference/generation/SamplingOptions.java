package dev.loupe.inference.generation;

/**
 * How the next token is chosen.
 *
 * @param temperature 0 takes the likeliest; else logits are divided by it
 * @param topK samples among the likeliest this many; 0 for all
 * @param topP samples among the likeliest tokens that together reach this probability, in (0, 1]
 * @param penalties of tokens that the text so far holds
 * @param seed of the sampling
 */
public record SamplingOptions(
    double temperature, int topK, double topP, Penalties penalties, long seed) {
  /** Always the likeliest token. */
  public static final SamplingOptions GREEDY = new SamplingOptions(0, 0, 1, Penalties.NONE, 0);

  /** True when the likeliest token is taken. */
  public boolean isGreedy() {
    return temperature == 0;
  }
}
