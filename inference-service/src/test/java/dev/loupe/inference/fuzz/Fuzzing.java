package dev.loupe.inference.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.function.Supplier;

/**
 * Feeds damaged files to a reader. Each must be read, or refused in words with an exception of the
 * reader's own; and no more memory may be taken than the file's size explains. The number of files
 * is bounded; {@code -Dloupe.fuzz.rounds=1000000} sets another.
 */
public final class Fuzzing {
  /** Reads what was written, and uses it. */
  @FunctionalInterface
  public interface Reader {
    /** Returns when the file is good. */
    void read() throws IOException;
  }

  /** A JSON tree takes up to some hundred bytes for each of the text. */
  private static final long BYTES_FOR_EACH = 400;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final Path file;
  private final Reader reader;
  private final long fixedBytes;
  private final List<Class<? extends Exception>> refusals;

  /**
   * @param file that the reader reads
   * @param fixedBytes that reading takes for the smallest file
   * @param refusals the reader's own exceptions
   */
  @SafeVarargs
  public Fuzzing(
      Path file, Reader reader, long fixedBytes, Class<? extends Exception>... refusals) {
    this.file = file;
    this.reader = reader;
    this.fixedBytes = fixedBytes;
    this.refusals = List.of(refusals);
  }

  /** How many files to try, unless another number is asked for. */
  public static int rounds(int unlessAsked) {
    return Integer.getInteger("loupe.fuzz.rounds", unlessAsked);
  }

  /** Reads a good file, so that what is loaded and compiled once is not counted later. */
  public void warmUp(byte[] good) throws IOException {
    Files.write(file, good);
    reader.read();
  }

  /** Writes a file and has it read; returns whether it was good. */
  public boolean isRead(byte[] content) throws IOException {
    Files.write(file, content);
    long before = THREADS.getCurrentThreadAllocatedBytes();
    Throwable refusal = null;
    try {
      reader.read();
    } catch (Exception | StackOverflowError | OutOfMemoryError e) {
      refusal = e;
    }
    long taken = THREADS.getCurrentThreadAllocatedBytes() - before;
    Supplier<String> shown = () -> "for " + Base64.getEncoder().encodeToString(content);
    if (refusal != null) {
      assertThat(refusals).as(shown).contains((Class) refusal.getClass());
      assertThat(refusal.getMessage()).as(shown).isNotBlank().hasSizeLessThan(4_000);
    }
    assertThat(taken).as(shown).isLessThan(fixedBytes + BYTES_FOR_EACH * content.length);
    return refusal == null;
  }
}
