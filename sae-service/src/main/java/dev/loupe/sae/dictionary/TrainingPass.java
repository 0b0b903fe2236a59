package dev.loupe.sae.dictionary;

import java.util.List;

/**
 * Losses and hand-derived gradients of one dictionary. It holds scratch space, so a training run
 * keeps one and uses it from one thread at a time.
 */
public interface TrainingPass {

  /**
   * Computes the loss of a batch {@code [rows, d_in]} and fills {@link #gradients()}.
   *
   * @param sparsityFactor in [0, 1]: multiplies the sparsity coefficient while it warms up
   * @param dead features that count as dead, ascending
   */
  BatchLoss run(FloatRows batch, float sparsityFactor, int[] dead);

  /**
   * Gradients of the last batch's loss, one for each of the dictionary's parameters, in their
   * order. The arrays are reused by the next run.
   */
  List<float[]> gradients();

  /** Removes from the gradients what the dictionary's constraints forbid. */
  void constrainGradients();
}
