package dev.loupe.inference.tokenizer;

import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The tokens that play a part.
 *
 * @param bos stands before texts
 * @param eos ends them
 * @param pad fills rows up
 */
public record SpecialTokens(SpecialToken bos, SpecialToken eos, SpecialToken pad) {

  /** Of those that there are. */
  public Set<Integer> ids() {
    return Stream.of(bos, eos, pad)
        .filter(SpecialToken::isPresent)
        .map(SpecialToken::id)
        .collect(Collectors.toUnmodifiableSet());
  }
}
