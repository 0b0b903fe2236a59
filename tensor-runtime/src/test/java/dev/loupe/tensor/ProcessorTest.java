package dev.loupe.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessorTest {

  @Test
  void theVendorIsRead(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("cpuinfo");
    Files.writeString(file, "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t: fpu\n");
    assertThat(Processor.isIntel(file)).isTrue();
    Files.writeString(file, "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t: fpu\n");
    assertThat(Processor.isIntel(file)).isFalse();
    Files.writeString(file, "processor\t: 0\nCPU implementer\t: 0x41\n");
    assertThat(Processor.isIntel(file)).isFalse();
  }
}
