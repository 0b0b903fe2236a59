package dev.loupe.sae.publishing;

import java.util.List;

/**
 * The ends of a direction's logits.
 *
 * @param top highest first
 * @param bottom lowest first
 */
public record LogitEffects(List<TokenEffect> top, List<TokenEffect> bottom) {
  /** For hook points whose directions do not reach the logits by the unembedding alone. */
  public static final LogitEffects NONE = new LogitEffects(List.of(), List.of());
}
