package dev.loupe.inference.model;

/** Values that should be numbers and are none: edits took them beyond what float32 holds. */
public class NotFiniteException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private NotFiniteException(String message) {
    super(message);
  }

  /**
   * Logits of which nothing can be said.
   *
   * @param which such as "the logits at position 3 of prompts[0]"
   */
  public static NotFiniteException ofLogits(String which) {
    return new NotFiniteException(
        which
            + " are not finite numbers: interventions take the model beyond what float32 holds, or"
            + " its weights do; give smaller factors or directions");
  }
}
