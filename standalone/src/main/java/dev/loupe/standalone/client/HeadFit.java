package dev.loupe.standalone.client;

/** How well an attention head fits a pattern, at most 1. */
public record HeadFit(int layer, int head, double score) {
  /** The head's short name, such as {@code L1H6}. */
  public String label() {
    return "L" + layer + "H" + head;
  }
}
