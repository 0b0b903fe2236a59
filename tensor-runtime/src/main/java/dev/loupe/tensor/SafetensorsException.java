package dev.loupe.tensor;

import java.io.IOException;
import java.nio.file.Path;

/** A safetensors file that is damaged, or that holds what Loupe does not read. */
public class SafetensorsException extends IOException {
  private static final long serialVersionUID = 1L;
  private static final int MOST_SHOWN = 1_000;

  /** Names the file and says what is wrong with it. */
  public SafetensorsException(Path file, String problem) {
    super(message(file, problem));
  }

  /** Names the file and says what is wrong with it, with what revealed it. */
  public SafetensorsException(Path file, String problem, Throwable cause) {
    super(message(file, problem), cause);
  }

  /** A damaged file may hold names of any length. */
  private static String message(Path file, String problem) {
    String shown =
        problem.length() <= MOST_SHOWN ? problem : problem.substring(0, MOST_SHOWN) + "...";
    return file.getFileName() + ": " + shown;
  }
}
