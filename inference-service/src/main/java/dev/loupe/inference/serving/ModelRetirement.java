package dev.loupe.inference.serving;

import java.time.Duration;

/** A model that new requests find no more, and that is freed when its last request ends. */
public interface ModelRetirement {

  /** Waits until the model is freed, or for this time; returns whether it is freed. */
  boolean await(Duration patience) throws InterruptedException;
}
