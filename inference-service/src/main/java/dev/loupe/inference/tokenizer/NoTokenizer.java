package dev.loupe.inference.tokenizer;

import java.nio.file.Path;

/** Stands where a model's folder has no tokenizer: token ids have no text, and texts no tokens. */
public final class NoTokenizer implements Tokenizer {
  private static final SpecialToken NONE = SpecialToken.none("the model has no tokenizer");

  private final Path folder;

  NoTokenizer(Path folder) {
    this.folder = folder;
  }

  @Override
  public Encoding encode(String text, boolean literal) {
    throw new NoTokenizerException(folder);
  }

  @Override
  public int fewestTokens(String text) {
    throw new NoTokenizerException(folder);
  }

  @Override
  public int size() {
    return 0;
  }

  @Override
  public byte[] bytes(int id) {
    return new byte[0];
  }

  @Override
  public SpecialTokens specialTokens() {
    return new SpecialTokens(NONE, NONE, NONE);
  }

  @Override
  public boolean isAdded(int id) {
    return false;
  }
}
