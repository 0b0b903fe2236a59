package dev.loupe.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a store that cannot start says. */
class FeatureStoreStartTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "jdbc:mysql://127.0.0.1/x?password=hunter2,INVALID_VALUE,jdbc:postgresql:",
    "features.db,INVALID_VALUE,jdbc:sqlite:",
    "jdbc:sqlite::memory:,INVALID_VALUE,must name a file",
    "jdbc:sqlite:,INVALID_VALUE,must name a file",
    "jdbc:sqlite:file:x?mode=memory,INVALID_VALUE,must name a file",
    "jdbc:postgresql://127.0.0.1:nine/x?password=hunter2,INVALID_VALUE,cannot be used",
    "jdbc:postgresql://127.0.0.1:1/x?password=hunter2,STORAGE_UNAVAILABLE,refused",
  })
  void namesWhatIsWrongWithTheDatabase(String url, ErrorReason reason, String message) {
    assertThatExceptionOfType(LoupeException.class)
        .isThrownBy(() -> start(url, 0))
        .withMessageContaining(message)
        .satisfies(e -> assertThat(e.reason()).isEqualTo(reason))
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("hunter2"));
  }

  @Test
  void refusesAFileThatIsNoDatabase() throws IOException {
    Path file = Files.writeString(folder.resolve("features.db"), "x".repeat(10_000));
    assertRefused("jdbc:sqlite:" + file, ErrorReason.STORAGE_UNAVAILABLE);
    assertThat(file).hasContent("x".repeat(10_000));
  }

  @Test
  void refusesAFolderThatCannotBeMade() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    assertRefused("jdbc:sqlite:" + file.resolve("features.db"), ErrorReason.STORAGE_UNAVAILABLE);
  }

  @Test
  void refusesAFolderInPlaceOfAFile() {
    assertRefused("jdbc:sqlite:" + folder, ErrorReason.STORAGE_UNAVAILABLE);
  }

  @Test
  void saysThatThePortIsInUse() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      assertThatExceptionOfType(LoupeException.class)
          .isThrownBy(
              () -> start("jdbc:sqlite:" + folder.resolve("features.db"), taken.getLocalPort()))
          .satisfies(e -> assertThat(e.reason()).isEqualTo(ErrorReason.PORT_IN_USE));
    }
  }

  private static void assertRefused(String url, ErrorReason reason) {
    assertThatExceptionOfType(LoupeException.class)
        .isThrownBy(() -> start(url, 0))
        .satisfies(e -> assertThat(e.reason()).isEqualTo(reason));
  }

  private static void start(String url, int port) {
    FeatureStoreServer.start(url, "127.0.0.1", port, new SimpleMeterRegistry()).close();
  }
}
