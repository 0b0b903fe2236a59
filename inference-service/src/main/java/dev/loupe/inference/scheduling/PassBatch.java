package dev.loupe.inference.scheduling;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.server.sharing.MemoryBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Decides which passes run together: on the same model, about equally deep, about equally long, and
 * within bounds. Holds the memory that they take more together than apart until it is closed.
 */
final class PassBatch implements AutoCloseable {
  /** Padding counted. */
  private static final int MOST_TOKENS = 2048;

  /** Padding that costs next to nothing: so few tokens wait for the weights, not for arithmetic. */
  private static final int FREE_PADDING = 64;

  private final MemoryBudget budget;
  private final PassRequest<?> first;
  private final List<PassRequest<?>> passes = new ArrayList<>();
  private final List<MemoryBudget.Reservation> reserved = new ArrayList<>();
  private final int depth;

  /** A batch of one pass so far. */
  PassBatch(PassRequest<?> first, MemoryBudget budget) {
    this.first = first;
    this.budget = budget;
    this.depth = depth(first);
    passes.add(first);
  }

  /** True when a pass may share with others at all. */
  static boolean isShareable(PassRequest<?> request) {
    return request.program().isShareable() && request.batch().padded() < MOST_TOKENS;
  }

  /** Accepts one more pass, or not. */
  boolean accepts(PassRequest<?> request) {
    if (request.model().transformer() != first.model().transformer()
        || Math.abs(depth(request) - depth) > config().layers() / 4
        || !fits(request.batch())) {
      return false;
    }
    long before = PassCost.sharing(config(), passes);
    passes.add(request);
    long more = Math.max(0, PassCost.sharing(config(), passes) - before);
    Optional<MemoryBudget.Reservation> memory = budget.tryReserve(more);
    memory.ifPresent(reserved::add);
    if (memory.isEmpty()) {
      passes.remove(passes.size() - 1);
    }
    return memory.isPresent();
  }

  private boolean fits(TokenBatch more) {
    int width = more.width();
    int rows = more.rows();
    int tokens = more.tokens();
    for (PassRequest<?> pass : passes) {
      width = Math.max(width, pass.batch().width());
      rows += pass.batch().rows();
      tokens += pass.batch().tokens();
    }
    long padded = (long) rows * width;
    return padded <= MOST_TOKENS && padded - tokens <= Math.max(FREE_PADDING, padded / 4);
  }

  private GptConfig config() {
    return first.model().config();
  }

  /** Blocks that a pass runs. */
  private static int depth(PassRequest<?> request) {
    int layers = request.model().config().layers();
    return request.logits() == LogitsMode.NONE ? request.program().blocksNeeded(layers) : layers;
  }

  @Override
  public void close() {
    reserved.forEach(MemoryBudget.Reservation::close);
  }
}
