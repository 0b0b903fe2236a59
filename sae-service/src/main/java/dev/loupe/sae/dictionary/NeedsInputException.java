package dev.loupe.sae.dictionary;

/** Features cannot be decoded without the activations that they were made from. */
public final class NeedsInputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NeedsInputException(InputNormalization normalization) {
    super(
        "the dictionary normalizes each activation (%s), so features alone do not determine a"
                .formatted(normalization)
            + " reconstruction; encode and decode the activation together");
  }
}
