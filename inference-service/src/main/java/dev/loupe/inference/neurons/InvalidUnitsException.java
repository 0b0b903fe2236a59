package dev.loupe.inference.neurons;

/** Units, or what is asked about them, are not there in the model. */
public final class InvalidUnitsException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  InvalidUnitsException(String message) {
    super(message);
  }
}
