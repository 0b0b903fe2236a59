package dev.loupe.inference.neurons;

import dev.loupe.inference.model.TokenBatch;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * What a scan has found about the units of one hook point. A block of tokens at a time is read,
 * counted, and searched for examples among those units alone whose largest value in it exceeds the
 * weakest example kept: after a while hardly any. Not thread-safe.
 */
final class GroupScan {
  private static final int BLOCK_TOKENS = 32;
  private static final int BLOCK_VALUES = 1 << 18;

  private final UnitGroup group;
  private final ScanOptions options;
  private final int units;
  private final StatisticsTable statistics;
  private final ExampleTable examples;
  private final float[] block; // [token, unit]
  private final float[] token; // all units of one token, or null
  private final float[] rowBest; // [unit], or null
  private final int[] rowBestAt; // [unit], or null

  GroupScan(UnitGroup group, ScanOptions options, int vocabularySize) {
    this.group = group;
    this.options = options;
    units = group.count();
    statistics = new StatisticsTable(units, options.histogram());
    examples = new ExampleTable(units, options, vocabularySize);
    block = new float[blockTokens(units) * units];
    token = group.units().isEmpty() ? null : new float[group.width()];
    rowBest = options.onePerRow() ? new float[units] : null;
    rowBestAt = options.onePerRow() ? new int[units] : null;
  }

  private static int blockTokens(int units) {
    return Math.max(1, Math.min(BLOCK_TOKENS, BLOCK_VALUES / units));
  }

  static long bytes(UnitGroup group, ScanOptions options, int vocabularySize) {
    long units = group.count();
    return StatisticsTable.bytes(units, options.histogram())
        + ExampleTable.bytes(units, options, vocabularySize)
        + Float.BYTES * (units * (blockTokens(group.count()) + 2) + group.width());
  }

  UnitGroup group() {
    return group;
  }

  /**
   * Takes a batch in.
   *
   * @param values [batch, pos, width]
   * @param firstRow the number of the batch's first row in the whole scan
   */
  void add(FloatBuffer values, TokenBatch batch, long batchId, long firstRow) {
    for (int row = 0; row < batch.rows(); row++) {
      int length = batch.lengths()[row];
      if (rowBest != null) {
        Arrays.fill(rowBest, Float.NEGATIVE_INFINITY);
      }
      int step = blockTokens(units);
      for (int from = options.skipFirst() ? 1 : 0; from < length; from += step) {
        int tokens = Math.min(step, length - from);
        read(values, (long) row * batch.width() + from, tokens);
        statistics.add(block, tokens);
        if (rowBest == null) {
          search(tokens, batch, batchId, row, firstRow + row, from);
        } else {
          searchRow(tokens, from);
        }
      }
      if (rowBest != null) {
        keepRow(batch, batchId, row, firstRow + row);
      }
    }
  }

  private void read(FloatBuffer values, long firstToken, int tokens) {
    if (token == null) {
      values.get(Math.toIntExact(firstToken * units), block, 0, tokens * units);
      return;
    }
    for (int i = 0; i < tokens; i++) {
      values.get(Math.toIntExact((firstToken + i) * token.length), token);
      for (int unit = 0; unit < units; unit++) {
        block[i * units + unit] = token[group.unit(unit)];
      }
    }
  }

  private void search(int tokens, TokenBatch batch, long batchId, int row, long number, int from) {
    float[] maxima = statistics.blockMaxima();
    float[] bars = examples.bars();
    for (int unit = 0; unit < units; unit++) {
      if (maxima[unit] > bars[unit]) {
        for (int i = 0; i < tokens; i++) {
          float value = block[i * units + unit];
          if (value > bars[unit]) {
            examples.add(unit, value, batch, batchId, row, number, from + i);
          }
        }
      }
    }
  }

  private void searchRow(int tokens, int from) {
    float[] maxima = statistics.blockMaxima();
    float[] bars = examples.bars();
    for (int unit = 0; unit < units; unit++) {
      if (maxima[unit] > bars[unit] && maxima[unit] > rowBest[unit]) {
        int i = 0;
        while (i < tokens - 1 && block[i * units + unit] != maxima[unit]) {
          i++;
        }
        rowBest[unit] = maxima[unit];
        rowBestAt[unit] = from + i;
      }
    }
  }

  private void keepRow(TokenBatch batch, long batchId, int row, long number) {
    for (int unit = 0; unit < units; unit++) {
      if (rowBest[unit] > examples.bars()[unit]) {
        examples.add(unit, rowBest[unit], batch, batchId, row, number, rowBestAt[unit]);
      }
    }
  }

  UnitReport report(int unit) {
    return new UnitReport(group.point(), group.unit(unit), examples.of(unit), statistics.of(unit));
  }
}
