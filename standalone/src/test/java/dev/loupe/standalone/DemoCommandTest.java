package dev.loupe.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.loupe.inference.hub.DownloadProgress;
import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.embedded.EmbeddedLoupe;
import dev.loupe.standalone.embedded.Loadable;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The demo's command beside a Loupe that serves its data folder already. */
class DemoCommandTest {
  @TempDir private static Path folder;
  private static Path data;
  private static EmbeddedLoupe loupe;
  private static LoupeClient client;
  private final StringWriter err = new StringWriter();

  @BeforeAll
  static void serve() throws IOException {
    data = folder.resolve("data");
    Path models = Files.createDirectories(folder.resolve("models"));
    TinyModel.pretrain(models.resolve("tiny"));
    Files.createDirectories(models.resolve("other"));
    try (Stream<Path> files = Files.list(models.resolve("tiny"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, models.resolve("other").resolve(file.getFileName()));
      }
    }
    loupe =
        EmbeddedLoupe.start(
            data,
            0,
            List.of(models.resolve("tiny").toString()),
            new Loadable(List.of(models), List.of()),
            List.of("loupe.example"),
            DownloadProgress.NONE);
    client = new LoupeClient(loupe.gateway());
  }

  @AfterAll
  static void end() {
    client.close();
    loupe.close();
    assertThat(EmbeddedLoupe.serving(data)).isEmpty();
  }

  @Test
  void itsAddressIsInTheFolderWhileItServes() {
    assertThat(EmbeddedLoupe.serving(data)).contains(loupe.gateway());
    assertThat(EmbeddedLoupe.serving(folder.resolve("elsewhere"))).isEmpty();
  }

  @Test
  void anAddressThatAKilledOneLeftMeansNothing() throws IOException {
    Path left = Files.createDirectories(folder.resolve("left"));
    Files.createFile(left.resolve("loupe.lock"));
    Files.writeString(left.resolve("loupe.address"), "127.0.0.1:1\n");

    assertThat(EmbeddedLoupe.serving(left)).isEmpty();
  }

  @Test
  void theStoryIsToldOnTheRunningOneWhichLoadsTheModel() throws IOException {
    assertThat(client.models()).containsExactly("models/tiny");

    int status =
        demo(
            "--model=" + folder.resolve("models/other"),
            "--hook-point=resid_post1",
            "--corpus=" + TinyModel.texts(folder.resolve("texts")),
            "--prompt=In the morning",
            "--features=32",
            "--steps=4");

    assertThat(err.toString()).isEmpty();
    assertThat(status).isZero();
    assertThat(client.models()).containsExactlyInAnyOrder("models/tiny", "models/other");
    assertThat(
            new ObjectMapper()
                .readTree(data.resolve("summary.json").toFile())
                .at("/sae/l0")
                .doubleValue())
        .isPositive();
    assertThat(EmbeddedLoupe.serving(data)).contains(loupe.gateway());
  }

  @ParameterizedTest
  @CsvSource({
    "blocks.1.hook_resid_pots, blocks.1.hook_resid_post",
    "blocks.1.attn.hook_z, 'd_head; a dictionary reads one with d_model or d_mlp:"
        + " blocks.1.hook_resid_pre'",
    "blocks.*.hook_resid_post, one hook point",
  })
  void aHookPointThatNoDictionaryCanReadIsSaidAtOnce(String hookPoint, String words) {
    int status = demo("--model=tiny", "--hook-point=" + hookPoint, "--corpus=nowhere");

    assertThat(status).isEqualTo(1);
    // Before any step: the corpus that is not there would be the first to fail.
    assertThat(err.toString()).contains("--hook-point", words).doesNotContain("nowhere");
  }

  @Test
  void whatTheRunningOneServesIsSaid() {
    assertThat(demo()).isEqualTo(1);
    assertThat(err.toString()).contains("serves models/tiny", "--model");

    assertThat(demo("--model=nothing-like-it")).isEqualTo(1);
    assertThat(err.toString()).contains("nothing-like-it", "models/tiny");
  }

  private int demo(String... options) {
    String[] line =
        Stream.concat(Stream.of("demo", "--dir=" + data), Stream.of(options))
            .toArray(String[]::new);
    return Loupe.commandLine(new PrintWriter(new StringWriter(), true), new PrintWriter(err, true))
        .execute(line);
  }

  @ParameterizedTest
  @CsvSource({"loupe.example, 200", "evil.example, 403"})
  void answersToTheNamesThatItWasTold(String name, int status) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), loupe.gateway().getPort())) {
      socket
          .getOutputStream()
          .write(
              ("GET /v1/models HTTP/1.1\r\nHost: " + name + "\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      assertThat(
              new BufferedReader(
                      new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))
                  .readLine())
          .startsWith("HTTP/1.1 " + status);
    }
  }
}
