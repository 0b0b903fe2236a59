package dev.loupe.inference.model;

/** For which positions a pass makes logits. */
public enum LogitsMode {
  /** For none; the pass ends after the last hook point that somebody reads. */
  NONE,
  /** For each row's last token only: [batch, 1, d_vocab]. */
  LAST,
  /** For every position. */
  ALL
}
