package dev.loupe.inference.captures;

/** There is less room for kept activations than was asked for. */
public class CacheFullException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long bytes;
  private final long free;

  CacheFullException(long bytes, long free, long total) {
    super(
        free <= 0
            ? "keeping this takes %d bytes, and of all %d none is left for one tenant until something kept expires or is deleted"
                .formatted(bytes, total)
            : "keeping this takes %d bytes; %d of %d are left for one tenant: keep fewer hook points, positions or rows, or reduce them"
                .formatted(bytes, free, total));
    this.bytes = bytes;
    this.free = free;
  }

  /** What was asked for. */
  public long bytes() {
    return bytes;
  }

  /** What would fit. */
  public long free() {
    return free;
  }
}
