package dev.loupe.inference.model.hooks;

import java.util.List;

/** A name that no hook point of the model has. */
public class UnknownHookPointException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final String name;
  private final transient List<String> nearest;

  UnknownHookPointException(String name, List<String> nearest) {
    super("unknown hook point '" + name + "'; the nearest names are " + nearest);
    this.name = name;
    this.nearest = nearest;
  }

  UnknownHookPointException(String name, List<String> nearest, String reason) {
    super("'" + name + "' is no activation: it " + reason);
    this.name = name;
    this.nearest = nearest;
  }

  /** The name that was asked for. */
  public String name() {
    return name;
  }

  /** The model's most similar names, best first. */
  public List<String> nearest() {
    return nearest;
  }
}
