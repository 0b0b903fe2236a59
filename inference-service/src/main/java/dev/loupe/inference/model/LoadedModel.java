package dev.loupe.inference.model;

import ai.djl.ndarray.NDManager;
import dev.loupe.tensor.TensorEngine;

/**
 * A model with the memory of its weights.
 *
 * @param transformer the model
 * @param weightsManager owns the weights; capped, so that no activation can leak into it
 * @param weightsSha256 of the weight files as they were read, one after another in the order of
 *     their names; lower-case hexadecimal
 */
public record LoadedModel(
    HookedTransformer transformer, NDManager weightsManager, String weightsSha256)
    implements AutoCloseable {

  /** The model's shape. */
  public GptConfig config() {
    return transformer.config();
  }

  /** A manager for the arrays of one request; close it when the request is done. */
  public NDManager newScope() {
    return TensorEngine.newManager();
  }

  /** Frees the weights; no pass may run any more. */
  @Override
  public void close() {
    transformer.ops().close();
    weightsManager.close();
  }
}
