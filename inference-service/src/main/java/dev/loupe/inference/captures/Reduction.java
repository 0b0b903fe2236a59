package dev.loupe.inference.captures;

/** A step that makes a captured value smaller. */
public sealed interface Reduction {

  /** The mean over the batch's rows; the axis disappears. */
  record MeanOverRows() implements Reduction {}

  /** The mean over positions (queries at attention maps), padding left out; the axis disappears. */
  record MeanOverPositions() implements Reduction {}

  /** The Euclidean length along the last axis, which stays and is 1 long. */
  record Norm() implements Reduction {}

  /**
   * The entries of the last axis that are largest in magnitude, largest first, with their places.
   * It must be the last reduction.
   *
   * @param count 1 to the axis's length
   */
  record Largest(int count) implements Reduction {}

  /**
   * Dot products along the last axis, which becomes {@code vector}. Where no heads were selected,
   * vectors may span all heads at once: head and last axis become one.
   *
   * @param vectors [vector, width], row-major
   * @param width each vector's length
   */
  record Dot(float[] vectors, int width) implements Reduction {

    /** How many vectors there are. */
    public int count() {
      return vectors.length / width;
    }
  }
}
