package dev.loupe.standalone.client;

import java.util.List;

/**
 * What a model would say at one depth, at one position.
 *
 * @param hookPoint the residual stream that was read
 * @param top likeliest tokens, likeliest first
 * @param tracked the token that was asked for
 */
public record LensRow(String hookPoint, List<TokenGuess> top, TokenGuess tracked) {
  public LensRow {
    top = List.copyOf(top);
  }
}
