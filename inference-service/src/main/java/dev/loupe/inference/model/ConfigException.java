package dev.loupe.inference.model;

/** A model configuration that is damaged, or that asks for what Loupe does not do. */
public class ConfigException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;
  private static final int MOST_SHOWN = 1_000;

  /** Names the field, the value, and what would be accepted. */
  public ConfigException(String message) {
    super(shown(message));
  }

  /** A damaged file may hold words of any length. */
  private static String shown(String message) {
    return message.length() <= MOST_SHOWN ? message : message.substring(0, MOST_SHOWN) + "...";
  }
}
