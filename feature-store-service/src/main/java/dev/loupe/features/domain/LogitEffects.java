package dev.loupe.features.domain;

import java.util.List;

/**
 * What a feature does to the logits.
 *
 * @param top tokens that its direct effect, through the final layer norm, raises most
 * @param bottom tokens that it lowers most
 * @param rawTop tokens with the largest products of its direction and the unembedding
 * @param rawBottom tokens with the smallest such products
 * @param finalNormScale scale of the final layer norm in {@code top} and {@code bottom}; 0 when not
 *     known, and then they are raw, as they were before there was a scale
 */
public record LogitEffects(
    List<TokenEffect> top,
    List<TokenEffect> bottom,
    List<TokenEffect> rawTop,
    List<TokenEffect> rawBottom,
    double finalNormScale) {

  /** Of a feature of which nothing is known. */
  public static final LogitEffects NONE =
      new LogitEffects(List.of(), List.of(), List.of(), List.of(), 0);

  public LogitEffects {
    top = List.copyOf(top);
    bottom = List.copyOf(bottom);
    rawTop = List.copyOf(rawTop);
    rawBottom = List.copyOf(rawBottom);
  }
}
