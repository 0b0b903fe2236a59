package dev.loupe.inference.scheduling;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.ActivationReader;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.server.sharing.MemoryNeed;
import java.util.Collection;
import java.util.List;

/**
 * What a pass will take, predicted from shapes alone. It errs on the high side: activations of one
 * layer are counted as if all were alive at once, and with what the allocator cannot use between
 * them. The factors were fitted to the resident memory of passes of GPT-2 small's shape.
 *
 * @param rows of the batch
 * @param bytes at the pass's highest
 * @param instead what to do when it does not fit; null for what passes can do
 */
public record PassCost(int rows, long bytes, String instead) implements MemoryNeed {
  private static final int FLOAT = 4;

  /** What is kept lies between what is freed, which leaves holes. */
  private static final double KEPT = 1.25;

  /** Scores, pattern and mask. */
  private static final double VALUES_OF_MAPS = 3;

  private static final double VALUES_OF_AN_EDITED_MAP = 13;

  /** The edited value, the place that it is written to, and the mask of the selection. */
  private static final double VALUES_OF_AN_EDIT = 3;

  /** What a slice, square or magnitude takes while a reduction is made. */
  private static final double VALUES_OF_A_READING = 2;

  /** Queries', keys' and values' inputs, their norms, and those in the product's order. */
  private static final double VALUES_OF_SPLIT_INPUTS = 7;

  /** A cost whose refusal says no more than what passes can do. */
  public PassCost(int rows, long bytes) {
    this(rows, bytes, null);
  }

  /** The cost of work that is no pass. */
  public static PassCost ofWork(long bytes, String instead) {
    return new PassCost(1, bytes, instead);
  }

  /** The cost of a pass that captures and edits nothing else. */
  public static PassCost of(
      GptConfig config, int rows, int width, LogitsMode logits, Collection<HookPoint> captures) {
    HookProgram.Builder program = HookProgram.builder(config);
    captures.forEach(program::capture);
    return of(config, rows, width, logits, program.build());
  }

  /** The cost of a pass over a batch. */
  public static PassCost of(
      GptConfig config, TokenBatch batch, LogitsMode logits, HookProgram program) {
    return of(config, batch.rows(), batch.width(), logits, program);
  }

  /** The cost of a pass over {@code rows} rows of {@code width} tokens. */
  public static PassCost of(
      GptConfig config, int rows, int width, LogitsMode logits, HookProgram program) {
    double values =
        pass(config, rows, width, program)
            + logits(config, rows, width, logits, program)
            + hooks(config, rows, width, program);
    return ofValues(rows, values);
  }

  /** What passes take more together, padded to the widest, than each by itself. */
  static long sharing(GptConfig config, List<PassRequest<?>> passes) {
    int rows = passes.stream().mapToInt(pass -> pass.batch().rows()).sum();
    int width = passes.stream().mapToInt(pass -> pass.batch().width()).max().orElse(0);
    boolean inside = passes.stream().anyMatch(pass -> looksInside(pass.program()));
    boolean maps = passes.stream().anyMatch(pass -> usesMaps(pass.program()));
    double values = pass(config, rows, width, inside, maps);
    for (PassRequest<?> pass : passes) {
      values -= pass(config, pass.batch().rows(), pass.batch().width(), pass.program());
    }
    return Math.max(0, ofValues(rows, values).bytes());
  }

  /** The same with more memory, for instance a key-value cache. */
  public PassCost plus(long more) {
    return new PassCost(rows, bytes + more, instead);
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
    return ofValues(rows, elements(config, point, rows, width)).bytes();
  }

  private static PassCost ofValues(int rows, double values) {
    return new PassCost(rows, (long) Math.min(Long.MAX_VALUE / 2, FLOAT * values));
  }

  private static double pass(GptConfig config, int rows, int width, HookProgram program) {
    return pass(config, rows, width, looksInside(program), usesMaps(program));
  }

  /**
   * One block and its attention scores.
   *
   * @param inside false when blocks run as one call each, which frees values as it goes
   * @param maps false when no scores are written
   */
  private static double pass(GptConfig config, int rows, int width, boolean inside, boolean maps) {
    double tokens = (double) rows * width;
    double layer =
        inside
            ? 24.0 * config.dModel() + 8.0 * config.dMlp()
            : 10.0 * config.dModel() + 3.0 * config.dMlp();
    double scores = maps ? VALUES_OF_MAPS * width * config.heads() : 0;
    return tokens * (layer + scores);
  }

  private static boolean looksInside(HookProgram program) {
    return program.points().stream()
        .anyMatch(
            point ->
                point.layer() >= 0
                    && point.kind() != HookKind.RESID_PRE
                    && point.kind() != HookKind.RESID_POST);
  }

  private static boolean usesMaps(HookProgram program) {
    return program.points().stream().anyMatch(point -> point.kind().isAttentionMap());
  }

  private static double logits(
      GptConfig config, int rows, int width, LogitsMode logits, HookProgram program) {
    double tokens = (double) rows * width;
    boolean everywhere = logits == LogitsMode.ALL;
    boolean any = logits != LogitsMode.NONE;
    for (HookPoint point : program.points()) {
      // What is read or changed after the last block is made for every position.
      everywhere |= any && point.kind().isAfterBlocks();
    }
    // Losses and predictions are read one row at a time, through two more arrays of its size.
    double places = everywhere ? tokens + 2.0 * width : any ? rows : 0;
    return places * config.vocabularySize();
  }

  /** What is kept from all layers, and what one layer's hooks take beside it. */
  private static double hooks(GptConfig config, int rows, int width, HookProgram program) {
    double kept = 0;
    double[] byLayer = new double[config.layers() + 1];
    boolean[] split = new boolean[config.layers() + 1];
    for (HookPoint point : program.points()) {
      double elements = elements(config, point, rows, width);
      boolean edited = program.edits(point);
      kept += program.captures(point) ? elements : 0;
      double made = 0;
      for (ActivationReader reader : program.readers(point)) {
        double reading = reader.elements(rows, width);
        kept += reading;
        made = Math.max(made, reading < elements ? VALUES_OF_A_READING * elements : 0);
      }
      double anEdit = point.kind().isAttentionMap() ? VALUES_OF_AN_EDITED_MAP : VALUES_OF_AN_EDIT;
      double beside = made + (edited ? anEdit * elements : 0);
      if (edited && point.kind().isHeadInput()) {
        beside = made + elements + (split[point.layer()] ? 0 : VALUES_OF_SPLIT_INPUTS * elements);
        split[point.layer()] = true;
      } else if (point.kind().isPerHeadResidual()) {
        beside += VALUES_OF_AN_EDIT * elements;
      } else if (point.kind() == HookKind.UNEMBED_OUT) {
        beside += elements;
      }
      byLayer[point.layer() + 1] += beside;
    }
    double most = 0;
    for (double ofLayer : byLayer) {
      most = Math.max(most, ofLayer);
    }
    return KEPT * kept + most;
  }

  @Override
  public String advice(long limit) {
    if (instead != null) {
      return instead;
    }
    long fitting = bytes == 0 ? rows : (long) Math.floor((double) limit / bytes * rows);
    return fitting >= 1
        ? "send at most %d such rows at once, or capture fewer hook points".formatted(fitting)
        : "send shorter rows, or capture fewer hook points";
  }
}
