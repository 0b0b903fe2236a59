package dev.loupe.features.domain;

/** How much of a feature to read. */
public enum FeatureView {
  /** Statistics and labels. */
  BASIC,
  /** Everything. */
  FULL
}
