package dev.loupe.server.errors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import com.google.rpc.Status;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ErrorReasonTest {
  private static final Path PROTOS = Path.of("../proto/src/main/proto/loupe");

  /** The headers list reasons as "STATUS: REASON, REASON (remark), REASON." */
  private static final Pattern LISTED =
      Pattern.compile(
          "(NOT_FOUND|ALREADY_EXISTS|INVALID_ARGUMENT|FAILED_PRECONDITION|RESOURCE_EXHAUSTED|UNAVAILABLE|DEADLINE_EXCEEDED):((?:"
              + " [A-Z_]+(?: \\([^)]*\\))?,?)+)");

  /** Elsewhere they are named as "STATUS (REASON)". */
  private static final Pattern NAMED =
      Pattern.compile("\\b([A-Z]+(?:_[A-Z]+)*) \\(([A-Z]+_[A-Z_]+)\\)");

  @Test
  void everyReasonThatTheProtosNameExistsWithTheStatusThatTheySay() throws IOException {
    Map<String, String> said = new HashMap<>();
    try (Stream<Path> files = Files.walk(PROTOS)) {
      files.filter(file -> file.toString().endsWith(".proto")).forEach(file -> collect(file, said));
    }
    assertThat(said)
        .hasSizeGreaterThan(20)
        .contains(entry("UNKNOWN_HOOK_POINT", "INVALID_ARGUMENT"));
    said.forEach(
        (reason, status) ->
            assertThat(ErrorReason.valueOf(reason).code().name()).as(reason).isEqualTo(status));
  }

  @Test
  void aReasonSurvivesBeingAStatus() {
    for (ErrorReason reason : ErrorReason.values()) {
      LoupeException error = LoupeException.of(reason, "so it is");
      Status status = LoupeErrors.toRpcStatus(error);
      assertThat(status.getCode()).isEqualTo(reason.code().value());
      assertThat(LoupeErrors.reason(status)).contains(reason);
      assertThat(LoupeErrors.reason(LoupeErrors.fromRpcStatus(status))).contains(reason);
      assertThat(LoupeErrors.reason(error)).contains(reason);
    }
  }

  @Test
  void whatPassesIsSaidByTheReasonAndWhenToTryAgain() {
    for (ErrorReason reason : ErrorReason.values()) {
      LoupeException error = LoupeException.of(reason, "so it is");
      assertThat(LoupeErrors.passes(error)).as(reason.name()).isEqualTo(reason.passes());
      assertThat(LoupeErrors.passes(LoupeErrors.toStatusException(error)))
          .as(reason.name())
          .isEqualTo(reason.passes());
    }
    assertThat(ErrorReason.QUEUE_FULL.passes()).isTrue();
    assertThat(ErrorReason.STORAGE_FULL.passes()).isFalse();
    assertThat(ErrorReason.OUT_OF_BUDGET.passes()).isFalse();
    assertThat(ErrorReason.INTERNAL.passes()).isFalse();
    LoupeException busy = LoupeException.of(ErrorReason.OUT_OF_BUDGET, "others hold it");
    assertThat(
            LoupeErrors.passes(
                LoupeErrors.toStatusException(busy.retryAfter(Duration.ofSeconds(9)))))
        .isTrue();
  }

  @Test
  void ofErrorsWithoutDetailsOnlyBrokenConnectionsPass() {
    assertThat(LoupeErrors.passes(io.grpc.Status.UNAVAILABLE.asRuntimeException())).isTrue();
    assertThat(LoupeErrors.passes(io.grpc.Status.INTERNAL.asRuntimeException())).isTrue();
    assertThat(
            LoupeErrors.passes(
                io.grpc.Status.UNKNOWN.withCause(new IOException("reset")).asException()))
        .isTrue();
    assertThat(
            LoupeErrors.passes(
                io.grpc.Status.CANCELLED
                    .withCause(new IllegalStateException("a mistake"))
                    .asRuntimeException()))
        .isFalse();
    assertThat(LoupeErrors.passes(io.grpc.Status.RESOURCE_EXHAUSTED.asRuntimeException()))
        .isFalse();
    assertThat(LoupeErrors.passes(new IllegalStateException("a mistake"))).isFalse();
  }

  @Test
  void othersErrorsHaveNoReason() {
    assertThat(LoupeErrors.reason(io.grpc.Status.NOT_FOUND.asRuntimeException())).isEmpty();
    assertThat(LoupeErrors.reason(new IllegalStateException("no"))).isEmpty();
    assertThat(LoupeErrors.metadata(new IllegalStateException("no"))).isEmpty();
  }

  @Test
  void aFullDiskIsToldFromABrokenOne() {
    assertThat(StorageErrors.of("the corpus", new IOException("/a/b: No space left on device")))
        .satisfies(e -> assertThat(e.reason()).isEqualTo(ErrorReason.STORAGE_FULL))
        .hasMessageContaining("the corpus")
        .hasMessageNotContaining("/a/b");
    assertThat(
            StorageErrors.of("the corpus", new IOException("/a/b: Read-only file system")).reason())
        .isEqualTo(ErrorReason.STORAGE_UNAVAILABLE);
  }

  private static void collect(Path file, Map<String, String> said) {
    String text;
    try {
      text = Files.readString(file).replaceAll("\n\\s*// ?", " ");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Matcher listed = LISTED.matcher(text);
    while (listed.find()) {
      for (String reason : listed.group(2).replaceAll("\\([^)]*\\)", "").split(",")) {
        if (!reason.isBlank()) {
          said.put(reason.strip(), listed.group(1));
        }
      }
    }
    Matcher named = NAMED.matcher(text);
    while (named.find()) {
      said.put(named.group(2), named.group(1));
    }
  }
}
