package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.captures.CaptureLayout;
import dev.loupe.inference.captures.CompiledCapture;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.PassRows;

/**
 * One hook point of one of a request's captures.
 *
 * @param field of the request that holds the captures
 * @param index which capture, from 0
 * @param compiled what is kept
 */
public record RequestedCapture(String field, int index, CompiledCapture compiled) {
  private static final int INDEX_BYTES = 4;

  /** Where. */
  public HookPoint point() {
    return compiled.capture().point();
  }

  /**
   * Axes of what is kept.
   *
   * @throws dev.loupe.server.errors.LoupeException when the rows have not what is selected
   */
  public CaptureLayout layout(PassRows rows) {
    return Captures.located(field + "[" + index + "]", () -> compiled.layout(rows));
  }

  /** Bytes on the wire for rows of these lengths, the indices of largest entries with them. */
  public long wireBytes(PassRows rows) {
    int each = compiled.capture().wireType().bytes();
    return bytes(rows, compiled.givesIndices() ? each + INDEX_BYTES : each);
  }

  /** Bytes in memory, where values are F32. */
  public long bytes(PassRows rows) {
    int each = Float.BYTES;
    return bytes(rows, compiled.givesIndices() ? each + INDEX_BYTES : each);
  }

  private long bytes(PassRows rows, int each) {
    return (long) Math.min(Long.MAX_VALUE / 4, layout(rows).elements() * each);
  }
}
