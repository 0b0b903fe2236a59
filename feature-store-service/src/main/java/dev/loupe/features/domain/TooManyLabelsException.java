package dev.loupe.features.domain;

/** A write that would leave a feature with too many labels. Nothing was written. */
public final class TooManyLabelsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public TooManyLabelsException(FeatureId id, long labels, int most) {
    super(
        "feature "
            + id.index()
            + " of dictionary "
            + id.dictionary()
            + " would have "
            + labels
            + " labels; at most "
            + most
            + " are accepted");
  }
}
