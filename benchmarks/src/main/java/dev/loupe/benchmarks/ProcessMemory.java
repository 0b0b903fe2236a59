package dev.loupe.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this process takes after a garbage collection.
 *
 * @param residentBytes of the whole process, as Linux counts them
 * @param heapBytes of the Java heap, in use
 * @param nativeBytes in use by the C library's allocator, and so by the engine; 0 where it does not
 *     say
 */
record ProcessMemory(long residentBytes, long heapBytes, long nativeBytes) {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");
  private static final int COLLECTIONS = 3;
  private static final long SETTLE_MILLIS = 200;

  /** Looks now. */
  static ProcessMemory now() throws InterruptedException {
    for (int i = 0; i < COLLECTIONS; i++) {
      System.gc();
      Thread.sleep(SETTLE_MILLIS); // what the collection found is freed by threads of its own
    }
    Runtime runtime = Runtime.getRuntime();
    return new ProcessMemory(
        resident(),
        runtime.totalMemory() - runtime.freeMemory(),
        NativeHeap.bytesInUse().orElse(0));
  }

  /** Begins the search for the peak anew. */
  static void resetPeak() throws IOException {
    Files.writeString(CLEAR, "5");
  }

  /** The most that was resident since the peak was reset. */
  static long peak() {
    return bytes("VmHWM:");
  }

  /** What is resident now, garbage and all. */
  static long resident() {
    return bytes("VmRSS:");
  }

  private static long bytes(String field) {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith(field)) {
          return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("only Linux says what a process takes", e);
    }
    throw new IllegalStateException(STATUS + " has no " + field);
  }
}
