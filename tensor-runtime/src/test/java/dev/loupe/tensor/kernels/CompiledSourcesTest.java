package dev.loupe.tensor.kernels;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every compiled module was made of the sources beside it, as they are now. */
class CompiledSourcesTest {

  @ParameterizedTest
  @ValueSource(strings = {"backward", "forward", "forward_onednn", "spectra"})
  void wasCompiledFromTheSourceBesideIt(String name) throws Exception {
    List<String> lines = new String(sources(bytes(name + ".pt")), UTF_8).lines().toList();
    assertThat(lines).anySatisfy(line -> assertThat(line).endsWith("  " + name + ".py"));
    for (String line : lines) {
      String source = line.substring(line.lastIndexOf(' ') + 1);
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes(source));
      assertThat(line)
          .as("%s.pt; after a change of %s, compile it (README.md beside it)", name, source)
          .isEqualTo(HexFormat.of().formatHex(digest) + "  " + source);
    }
  }

  private static byte[] bytes(String name) throws IOException {
    try (InputStream stream = TorchKernels.class.getResourceAsStream(name)) {
      assertThat(stream).as(name).isNotNull();
      return stream.readAllBytes();
    }
  }

  private static byte[] sources(byte[] module) throws IOException {
    try (ZipInputStream zip = new ZipInputStream(new ByteArrayInputStream(module))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        if (entry.getName().endsWith("/extra/sources")) {
          return zip.readAllBytes();
        }
      }
    }
    throw new AssertionError("the module does not say what it was compiled from");
  }
}
