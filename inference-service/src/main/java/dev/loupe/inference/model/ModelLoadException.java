package dev.loupe.inference.model;

import java.io.IOException;

/** Weights that do not make the model that its config describes. */
public class ModelLoadException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Names the tensor or file, and what was expected. */
  public ModelLoadException(String message) {
    super(message);
  }
}
