package dev.loupe.sae.corpus;

import java.util.Iterator;

/** Runs a language model over batches of tokens. */
public interface ActivationSource {

  /**
   * Opens a feed.
   *
   * @param model id of the model
   * @param batches asked one by one, a few ahead of what is read
   * @param stop called while waiting; what it throws is thrown on
   */
  ActivationFeed open(String model, String hookPoint, Iterator<TokenBatch> batches, Runnable stop);
}
