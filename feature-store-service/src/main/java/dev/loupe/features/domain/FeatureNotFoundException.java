package dev.loupe.features.domain;

/** A feature that is not stored. */
public final class FeatureNotFoundException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final transient FeatureId id;

  public FeatureNotFoundException(FeatureId id) {
    super("feature " + id.index() + " of dictionary " + id.dictionary() + " is not stored");
    this.id = id;
  }

  /** The feature that was asked for. */
  public FeatureId id() {
    return id;
  }
}
