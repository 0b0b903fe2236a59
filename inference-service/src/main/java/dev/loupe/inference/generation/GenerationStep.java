package dev.loupe.inference.generation;

/**
 * One new token.
 *
 * @param id token id
 * @param text that this token completes; never ends inside a character
 * @param logProbability under the model, before temperature and filters, in nats
 * @param end why the text ends here, or null when it goes on
 */
public record GenerationStep(int id, String text, double logProbability, End end) {
  /** Why a text ends. */
  public enum End {
    /** As many tokens as asked were made. */
    LENGTH,
    /** A stop token was made. */
    STOP_TOKEN
  }
}
