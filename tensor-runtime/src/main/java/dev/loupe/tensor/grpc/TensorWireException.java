package dev.loupe.tensor.grpc;

/** A tensor message that breaks the wire format's rules, or is larger than the reader accepts. */
public class TensorWireException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final boolean tooLarge;

  private TensorWireException(String message, boolean tooLarge) {
    super(message);
    this.tooLarge = tooLarge;
  }

  static TensorWireException invalid(String message) {
    return new TensorWireException(message, false);
  }

  static TensorWireException tooLarge(long bytes, long limit) {
    return new TensorWireException(
        "the tensor has %d bytes; expected at most %d".formatted(bytes, limit), true);
  }

  /** True when the message is well-formed but over the reader's limit. */
  public boolean isTooLarge() {
    return tooLarge;
  }
}
