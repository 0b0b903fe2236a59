package dev.loupe.inference.model;

/** Looked at between the layers of a pass, so that a pass nobody waits for ends early. */
@FunctionalInterface
public interface PassControl {
  /** Never stops a pass. */
  PassControl NONE = layer -> {};

  /**
   * Throws to end the pass before a layer; its arrays are freed and the exception reaches the
   * caller.
   *
   * @param layer the layer that would run next
   */
  void beforeLayer(int layer);
}
