package dev.loupe.inference.scheduling;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Decides which passes run together: on the same model, about equally deep, about equally long, and
 * within bounds. Holds the memory that padding takes until it is closed.
 */
final class PassBatch implements AutoCloseable {
  /** Padding counted. */
  private static final int MOST_TOKENS = 2048;

  /** Padding that costs next to nothing: so few tokens wait for the weights, not for arithmetic. */
  private static final int FREE_PADDING = 64;

  private final MemoryBudget budget;
  private final PassRequest<?> first;
  private final List<TokenBatch> batches = new ArrayList<>();
  private final List<MemoryBudget.Reservation> padding = new ArrayList<>();
  private final int depth;

  /** A batch of one pass so far. */
  PassBatch(PassRequest<?> first, MemoryBudget budget) {
    this.first = first;
    this.budget = budget;
    this.depth = depth(first);
    batches.add(first.batch());
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
    Optional<MemoryBudget.Reservation> more = budget.tryReserve(paddingBytes(request.batch()));
    more.ifPresent(padding::add);
    if (more.isPresent()) {
      batches.add(request.batch());
    }
    return more.isPresent();
  }

  private boolean fits(TokenBatch more) {
    int width = Math.max(width(), more.width());
    int rows = more.rows() + batches.stream().mapToInt(TokenBatch::rows).sum();
    int tokens = more.tokens() + batches.stream().mapToInt(TokenBatch::tokens).sum();
    long padded = (long) rows * width;
    return padded <= MOST_TOKENS && padded - tokens <= Math.max(FREE_PADDING, padded / 4);
  }

  /** What the new one and those before it take more now. */
  private long paddingBytes(TokenBatch more) {
    int width = Math.max(width(), more.width());
    long bytes = PassCost.padding(config(), more, width);
    for (TokenBatch batch : batches) {
      bytes +=
          PassCost.padding(config(), batch, width) - PassCost.padding(config(), batch, width());
    }
    return bytes;
  }

  private int width() {
    return batches.stream().mapToInt(TokenBatch::width).max().orElseThrow();
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
    padding.forEach(MemoryBudget.Reservation::close);
  }
}
