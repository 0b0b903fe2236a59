package dev.loupe.sae.memory;

import dev.loupe.server.sharing.MemoryNeed;
import java.util.function.LongFunction;

/**
 * A need whose advice is made where it is refused.
 *
 * @param bytes at its highest
 * @param fitting what would fit into so many bytes
 */
record Need(long bytes, LongFunction<String> fitting) implements MemoryNeed {
  @Override
  public String advice(long limit) {
    return fitting.apply(limit);
  }
}
