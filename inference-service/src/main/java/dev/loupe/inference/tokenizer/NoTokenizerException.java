package dev.loupe.inference.tokenizer;

import java.nio.file.Path;

/** Text was given to a model that has no tokenizer. */
public final class NoTokenizerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NoTokenizerException(Path folder) {
    super(
        "the model was loaded without a tokenizer, so it reads token ids alone; for text put"
            + " tokenizer.json, or vocab.json and merges.txt, into its folder "
            + folder.getFileName()
            + " and load it again");
  }
}
