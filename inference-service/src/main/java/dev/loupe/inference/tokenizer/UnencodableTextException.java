package dev.loupe.inference.tokenizer;

/** A text holds a byte for which the vocabulary has no token and no unknown token stands in. */
public final class UnencodableTextException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UnencodableTextException(int value, int byteOffset) {
    super(
        "the vocabulary has no token for byte 0x%02X, at byte %d of the text"
            .formatted(value, byteOffset));
  }
}
