package dev.loupe.sae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.longrunning.Operation;
import dev.loupe.proto.sae.v1.Corpus;
import dev.loupe.proto.sae.v1.Dictionary;
import dev.loupe.proto.sae.v1.ListCorporaRequest;
import dev.loupe.proto.sae.v1.TrainDictionaryRequest;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * The service as a process of its own whose files the operating system keeps below 100 KiB, which
 * writes meet as they meet a full disk: in the middle of a file, with an error from the kernel.
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "there is no ulimit")
class StorageFullTest {
  private static final Pattern LISTENS = Pattern.compile("listens on 127\\.0\\.0\\.1:(\\d+)");
  @TempDir Path folder;
  private TinyInference inference;
  private Process process;
  private SaeClient client;

  @BeforeEach
  void start() throws IOException {
    inference = TinyInference.start(folder);
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    process =
        new ProcessBuilder(
                "sh",
                "-c",
                // sh counts in blocks of 512 bytes.
                "ulimit -f 200; exec \"$@\"",
                "sh",
                java,
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                "dev.loupe.sae.SaeServiceMain",
                "--data",
                folder.resolve("sae").toString(),
                "--inference",
                inference.target(),
                "--port",
                "0",
                "--metrics-port",
                "-1",
                "--threads",
                "1")
            .redirectErrorStream(true)
            .start();
    client = new SaeClient("127.0.0.1:" + port());
  }

  private String port() throws IOException {
    BufferedReader log = process.inputReader();
    StringBuilder said = new StringBuilder();
    for (String line = log.readLine(); line != null; line = log.readLine()) {
      said.append(line).append('\n');
      Matcher listens = LISTENS.matcher(line);
      if (listens.find()) {
        Thread rest = new Thread(() -> log.lines().forEach(ignored -> {}), "log of the service");
        rest.setDaemon(true);
        rest.start();
        return listens.group(1);
      }
    }
    throw new IllegalStateException("the service did not start:\n" + said);
  }

  @AfterEach
  void stop() throws InterruptedException {
    if (client != null) {
      client.close();
    }
    process.destroy();
    process.waitFor();
    inference.close();
  }

  @Test
  void aFullDiskEndsTheCallAndNothingElse() throws Exception {
    Corpus small = client.createCorpus("texts", SaeClient.randomRows(80, 3));
    assertThatThrownBy(() -> client.createCorpus("large", SaeClient.randomRows(4_000, 3)))
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.STORAGE_FULL));
    assertThat(client.stub().listCorpora(ListCorporaRequest.getDefaultInstance()).getCorporaList())
        .containsExactly(small);
    assertThat(entries("corpora")).containsExactly("texts");

    Operation failed =
        client.await(
            client.stub().trainDictionary(SaeClient.training("wide", 40).build()).getName());
    assertThat(LoupeErrors.reason(failed.getError())).contains(ErrorReason.STORAGE_FULL);
    assertThat(entries("training")).isEmpty();

    TrainDictionaryRequest.Builder narrow = SaeClient.training("narrow", 40).setDSae(24);
    narrow.getScheduleBuilder().setShuffleBufferRows(128);
    Operation done = client.await(client.stub().trainDictionary(narrow.build()).getName());
    assertThat(done.getResponse().unpack(Dictionary.class).getName())
        .isEqualTo("dictionaries/narrow");
    assertThat(entries("dictionaries")).containsExactly("narrow");
  }

  private List<String> entries(String name) throws IOException {
    try (Stream<Path> entries = Files.list(folder.resolve("sae").resolve(name))) {
      return entries.map(entry -> entry.getFileName().toString()).toList();
    }
  }
}
