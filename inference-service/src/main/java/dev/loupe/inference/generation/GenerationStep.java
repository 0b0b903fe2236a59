package dev.loupe.inference.generation;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.List;
import java.util.Map;

/**
 * One new token of one text.
 *
 * @param prompt which prompt it continues, from 0
 * @param sample which of the prompt's samples it belongs to, from 0
 * @param id token id
 * @param text that may be sent now; never ends inside a character, and never holds what may turn
 *     out to be the beginning of a stop string
 * @param logProbability under the model, before temperature, penalty and filters, in nats
 * @param alternatives the likeliest tokens, likeliest first
 * @param end why the text ends here, or null when it goes on
 * @param activations what was captured in the pass that predicted the token, the batch axis 1 long;
 *     valid while the step is handed over
 */
public record GenerationStep(
    int prompt,
    int sample,
    int id,
    String text,
    double logProbability,
    List<Alternative> alternatives,
    End end,
    Map<HookPoint, NDArray> activations) {

  /**
   * A token that could have been chosen.
   *
   * @param id token id
   * @param logProbability as that of the chosen one
   */
  public record Alternative(int id, double logProbability) {}

  /** Why a text ends. */
  public enum End {
    /** As many tokens as asked were made. */
    LENGTH,
    /** A stop token was made. */
    STOP_TOKEN,
    /** A stop string was made; the text ends before it. */
    STOP_STRING
  }
}
