package dev.loupe.tensor;

import java.io.IOException;
import java.nio.file.Path;

/** A safetensors file that is damaged, or that holds what Loupe does not read. */
public class SafetensorsException extends IOException {
  private static final long serialVersionUID = 1L;

  /** Names the file and says what is wrong with it. */
  public SafetensorsException(Path file, String problem) {
    super(file.getFileName() + ": " + problem);
  }

  /** Names the file and says what is wrong with it, with what revealed it. */
  public SafetensorsException(Path file, String problem, Throwable cause) {
    super(file.getFileName() + ": " + problem, cause);
  }
}
