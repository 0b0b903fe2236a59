package dev.loupe.inference.neurons;

import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.tensor.NdArrays;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;

/**
 * Looks at units all over a corpus, a batch at a time: their strongest examples and their
 * statistics. Its memory is set by the units and the options, whatever the corpus. Batches must
 * come one after another.
 */
public final class CorpusScan {
  private final List<GroupScan> groups;
  private long rows;
  private long tokens;

  /**
   * A scan that has seen nothing.
   *
   * @throws InvalidUnitsException when the units of one hook point have more context together than
   *     an array holds
   */
  public CorpusScan(GptConfig config, Collection<UnitGroup> groups, ScanOptions options) {
    for (UnitGroup group : groups) {
      double tokens = (double) group.count() * options.topK() * options.window();
      if (tokens > Integer.MAX_VALUE - 8) {
        throw new InvalidUnitsException(
            "%d units of %s with %d examples of %d tokens each are too many; choose fewer units at once"
                .formatted(group.count(), group.point(), options.topK(), options.window()));
      }
    }
    this.groups =
        groups.stream()
            .map(group -> new GroupScan(group, options, config.vocabularySize()))
            .toList();
  }

  /** Bytes that a scan takes. */
  public static long bytes(GptConfig config, Collection<UnitGroup> groups, ScanOptions options) {
    long bytes = 0;
    for (UnitGroup group : groups) {
      bytes += GroupScan.bytes(group, options, config.vocabularySize());
    }
    return bytes;
  }

  /** The hook points whose values a pass must keep. */
  public List<HookPoint> points() {
    return groups.stream().map(group -> group.group().point()).toList();
  }

  /** Takes a batch in, hook points side by side on the machine's cores. */
  public void add(TokenBatch batch, long batchId, ForwardResult result) {
    long firstRow = rows;
    groups.parallelStream()
        .forEach(
            group ->
                group.add(
                    NdArrays.view(result.capture(group.group().point())).data().asFloatBuffer(),
                    batch,
                    batchId,
                    firstRow));
    rows += batch.rows();
    tokens += batch.tokens();
  }

  /** Rows seen. */
  public long rows() {
    return rows;
  }

  /** Tokens seen, padding not counted. */
  public long tokens() {
    return tokens;
  }

  /** Gives what was found about each unit, in the order asked. */
  public void report(Consumer<UnitReport> reports) {
    for (GroupScan group : groups) {
      for (int unit = 0; unit < group.group().count(); unit++) {
        reports.accept(group.report(unit));
      }
    }
  }
}
