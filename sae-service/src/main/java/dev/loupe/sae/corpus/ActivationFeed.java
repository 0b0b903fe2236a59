package dev.loupe.sae.corpus;

import java.util.Optional;

/** Activations of batch after batch, in the batches' order. For one thread. */
public interface ActivationFeed extends AutoCloseable {

  /**
   * Waits for the next batch's activations; empty when there are no more batches.
   *
   * @throws dev.loupe.server.errors.LoupeException INFERENCE_UNAVAILABLE when the model stays away
   *     for too long
   */
  Optional<BatchActivations> next();

  /** Ends the feed, whether or not all of it was read. */
  @Override
  void close();
}
