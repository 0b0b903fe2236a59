package dev.loupe.inference.scheduling;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookPoint;
import java.util.Collection;

/**
 * What a pass will take, predicted from shapes alone. It errs on the high side: activations of one
 * layer are counted as if all were alive at once.
 *
 * @param rows of the batch
 * @param bytes at the pass's highest
 */
public record PassCost(int rows, long bytes) {
  private static final int FLOAT = 4;

  /** The cost of a pass over {@code rows} rows of {@code width} tokens. */
  public static PassCost of(
      GptConfig config, int rows, int width, LogitsMode logits, Collection<HookPoint> captures) {
    double tokens = (double) rows * width;
    double layer = tokens * (10.0 * config.dModel() + 3.0 * config.dMlp());
    double scores = 3.0 * tokens * width * config.heads();
    double logitPlaces =
        switch (logits) {
          case NONE -> 0;
          case LAST -> rows;
          // Losses and predictions are read one row at a time, through two more arrays of its size.
          case ALL -> tokens + 2.0 * width;
        };
    double captured = 0;
    for (HookPoint point : captures) {
      captured += elements(config, point, rows, width);
    }
    double values = layer + scores + logitPlaces * config.vocabularySize() + captured;
    return new PassCost(rows, (long) Math.min(Long.MAX_VALUE / 2, FLOAT * values));
  }

  /** The same with more memory, for instance a key-value cache. */
  public PassCost plus(long more) {
    return new PassCost(rows, bytes + more);
  }

  /** Elements of one hook point's value over a batch. */
  public static double elements(GptConfig config, HookPoint point, int rows, int width) {
    double elements = 1;
    for (HookAxis axis : point.kind().axes()) {
      elements *=
          switch (axis) {
            case BATCH -> rows;
            case POS, QUERY, KEY -> width;
            default -> axis.size(config);
          };
    }
    return elements;
  }

  /** Bytes of one hook point's value over a batch. */
  public static long bytes(GptConfig config, HookPoint point, int rows, int width) {
    return (long) Math.min(Long.MAX_VALUE / 2, FLOAT * elements(config, point, rows, width));
  }

  /** What would fit into a limit. */
  String advice(long limit) {
    long fitting = bytes == 0 ? rows : (long) Math.floor((double) limit / bytes * rows);
    return fitting >= 1
        ? "send at most %d such rows at once, or capture fewer hook points".formatted(fitting)
        : "send shorter rows, or capture fewer hook points";
  }
}
