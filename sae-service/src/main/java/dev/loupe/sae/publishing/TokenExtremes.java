package dev.loupe.sae.publishing;

import java.util.List;

/**
 * The ends of a direction's logits.
 *
 * @param top highest first
 * @param bottom lowest first
 */
public record TokenExtremes(List<TokenEffect> top, List<TokenEffect> bottom) {
  private static final TokenExtremes NONE = new TokenExtremes(List.of(), List.of());

  static TokenExtremes none() {
    return NONE;
  }
}
