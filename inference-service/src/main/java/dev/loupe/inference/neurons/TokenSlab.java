package dev.loupe.inference.neurons;

/** Many token ids, in two bytes each where the vocabulary allows. */
final class TokenSlab {
  private static final int NARROW = 1 << 16;

  private final char[] narrow;
  private final int[] wide;

  TokenSlab(int size, int vocabularySize) {
    narrow = vocabularySize <= NARROW ? new char[size] : null;
    wide = narrow == null ? new int[size] : null;
  }

  static long bytes(long size, int vocabularySize) {
    return size * (vocabularySize <= NARROW ? Character.BYTES : Integer.BYTES);
  }

  void set(int index, int token) {
    if (narrow != null) {
      narrow[index] = (char) token;
    } else {
      wide[index] = token;
    }
  }

  int get(int index) {
    return narrow != null ? narrow[index] : wide[index];
  }
}
