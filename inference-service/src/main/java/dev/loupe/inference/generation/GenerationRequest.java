package dev.loupe.inference.generation;

import dev.loupe.inference.model.hooks.HookProgram;
import java.util.List;
import java.util.Set;

/**
 * What to continue, and how.
 *
 * @param beginnings of the texts, which are made together
 * @param maxNewTokens 1 or more; each beginning and its new tokens fit the context
 * @param sampling how tokens are chosen
 * @param stops where texts end
 * @param alternatives the likeliest tokens to give beside each chosen one
 * @param program edits and captures at every token; rows count texts, positions count within the
 *     whole text
 */
public record GenerationRequest(
    List<Beginning> beginnings,
    int maxNewTokens,
    SamplingOptions sampling,
    Stops stops,
    int alternatives,
    HookProgram program) {

  /** Tokens of the longest beginning. */
  int longest() {
    return beginnings.stream().mapToInt(text -> text.tokens().length).max().orElseThrow();
  }

  /**
   * Where a text ends before its length.
   *
   * @param tokens end the text after one of them
   * @param strings end the text before one of them; none is empty
   */
  public record Stops(Set<Integer> tokens, List<String> strings) {
    /** Only at the length. */
    public static final Stops NONE = new Stops(Set.of(), List.of());
  }
}
