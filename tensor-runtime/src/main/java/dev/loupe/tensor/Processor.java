package dev.loupe.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The processor that this process runs on. */
public final class Processor {
  private static final String INTEL = "GenuineIntel";
  private static final boolean IS_INTEL = isIntel(Path.of("/proc/cpuinfo"));

  private Processor() {}

  /**
   * True when the processor is one of Intel's, for which alone MKL has its fastest products; false
   * also when nobody says whose it is.
   */
  public static boolean isIntel() {
    return IS_INTEL;
  }

  /** What a file like Linux's says; without one, what Windows tells its processes. */
  static boolean isIntel(Path file) {
    try (Stream<String> lines = Files.lines(file)) {
      return lines.anyMatch(line -> line.startsWith("vendor_id") && line.endsWith(INTEL));
    } catch (IOException e) {
      String windows = System.getenv("PROCESSOR_IDENTIFIER");
      return windows != null && windows.contains(INTEL);
    }
  }
}
