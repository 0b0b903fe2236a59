package dev.loupe.inference.tokenizer;

/**
 * A text holds a byte for which the vocabulary has no token and no unknown token stands in, or half
 * of a surrogate pair, which has no bytes.
 */
public final class UnencodableTextException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  UnencodableTextException(int value, int byteOffset) {
    super(
        "the vocabulary has no token for byte 0x%02X, at byte %d of the text"
            .formatted(value, byteOffset));
  }

  UnencodableTextException(char half, int at) {
    super(
        "the text holds half of a surrogate pair, \\u%04x, at character %d"
            .formatted((int) half, at));
  }
}
