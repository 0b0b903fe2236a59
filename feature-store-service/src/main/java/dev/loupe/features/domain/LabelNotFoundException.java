package dev.loupe.features.domain;

/** A label that a stored feature does not have. */
public final class LabelNotFoundException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public LabelNotFoundException(FeatureId id, String label) {
    super(
        "feature "
            + id.index()
            + " of dictionary "
            + id.dictionary()
            + " has no label \""
            + label
            + "\"");
  }
}
