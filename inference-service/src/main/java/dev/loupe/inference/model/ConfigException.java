package dev.loupe.inference.model;

/** A model configuration that is damaged, or that asks for what Loupe does not do. */
public class ConfigException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** Names the field, the value, and what would be accepted. */
  public ConfigException(String message) {
    super(message);
  }
}
