package dev.loupe.sae.evaluation;

import dev.loupe.sae.corpus.TokenBatch;
import dev.loupe.sae.dictionary.FloatRows;
import java.util.List;
import java.util.function.UnaryOperator;

/** A language model whose activations at a hook point can be replaced while it runs. */
public interface SplicedModel {

  /**
   * Cross-entropy of each token given those before it, in nats, for tokens 1 to n - 1 of each row.
   */
  List<float[]> losses(String model, TokenBatch batch);

  /**
   * The same with other activations at a hook point.
   *
   * @param replace gets the activations of all positions but 0, {@code [rows, d_in]} in the order
   *     of the batch, and gives what takes their place; position 0 keeps its own
   */
  List<float[]> splicedLosses(
      String model, TokenBatch batch, String hookPoint, UnaryOperator<FloatRows> replace);
}
