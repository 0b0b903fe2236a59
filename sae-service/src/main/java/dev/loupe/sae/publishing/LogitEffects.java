package dev.loupe.sae.publishing;

/**
 * What a feature does to the logits.
 *
 * @param direct what one unit adds through the final layer norm, on average over a corpus
 * @param raw the products of its direction and the unembedding alone
 * @param finalNormScale harmonic mean of that norm's scale; 0 without effects
 */
public record LogitEffects(TokenExtremes direct, TokenExtremes raw, double finalNormScale) {
  /** For hook points whose directions do not reach the logits by the unembedding alone. */
  public static final LogitEffects NONE =
      new LogitEffects(TokenExtremes.none(), TokenExtremes.none(), 0);
}
