package dev.loupe.standalone.demo;

/** The activations of neurons or of features on the same tokens. */
interface Units {
  /** How many there are. */
  int count();

  /** A unit's activations; tokens that are left out have none. */
  Column column(int unit);

  /** What a unit is called. */
  String name(int unit);

  /**
   * One unit's activations.
   *
   * @param tokens indices of tokens, ascending
   * @param values its activation at each of them
   */
  record Column(int[] tokens, float[] values) {}
}
