package dev.loupe.sae;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.longrunning.Operation;
import dev.loupe.sae.corpus.CorpusStore;
import dev.loupe.sae.dictionary.GoldenDictionaries;
import dev.loupe.sae.format.DictionaryStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What the stores say is done is on the disk, as the JDK's flight recorder sees it. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "it cannot force a folder to the disk")
class DurableStoresTest {
  @TempDir Path temporary;
  private Path root;

  @BeforeEach
  void makeRoot() throws Exception {
    root = Files.createDirectories(temporary.resolve("store"));
  }

  @Test
  void aDictionaryIsOnTheDiskBeforeItIsSaidToBeStored() throws Exception {
    DictionaryStore store = new DictionaryStore(root);
    List<Path> forced =
        forced(
            () ->
                store.save(
                    "mine",
                    GoldenDictionaries.topK(),
                    "gpt2-tiny",
                    "",
                    "blocks.0.hook_resid_post",
                    new double[96],
                    48,
                    true,
                    Map.of()));
    assertThat(forced)
        .extracting(path -> path.getFileName().toString())
        .contains("cfg.json", "sae_weights.safetensors", "sparsity.safetensors", "loupe.json");
    assertForcedAsAWhole(forced);
  }

  @Test
  void aCorpusIsOnTheDiskBeforeItIsSaidToBeStored() throws Exception {
    CorpusStore store = new CorpusStore(root);
    List<Path> forced =
        forced(() -> store.create("c", "m", "", SaeClient.randomRows(5, 1).iterator()));
    assertThat(forced)
        .extracting(path -> path.getFileName().toString())
        .contains("tokens.bin", "offsets.bin", "corpus.json");
    assertForcedAsAWhole(forced);
  }

  @Test
  void aCheckpointGoesOnceTheDictionaryIsOnTheDisk() throws Exception {
    try (TinyInference inference = TinyInference.start(temporary);
        SaeServer server = SaeServer.start(SaeConfig.of(root, inference.target(), "127.0.0.1:1"));
        SaeClient client = new SaeClient(server.target())) {
      client.createCorpus("texts", SaeClient.randomRows(60, 3));
      List<Path> forced =
          forced(
              () -> {
                Operation training =
                    client.stub().trainDictionary(SaeClient.training("mine", 40).build());
                assertThat(client.await(training.getName()).hasResponse()).isTrue();
              });
      assertThat(Files.list(root.resolve("training"))).isEmpty();
      int stored = forced.lastIndexOf(root.resolve("dictionaries"));
      assertThat(stored).isNotNegative();
      assertThat(forced.lastIndexOf(root.resolve("training"))).isGreaterThan(stored);
    }
  }

  /** A folder that is renamed before it is emptied is never seen in part. */
  @Test
  void whatIsDeletedIsRenamedFirst() throws Exception {
    CorpusStore corpora = new CorpusStore(root);
    corpora.create("c", "m", "", SaeClient.randomRows(5, 1).iterator());
    assertThat(forced(() -> corpora.delete("c"))).containsExactly(root);
    assertThat(Files.list(root)).isEmpty();
  }

  /** Its files, the folder that names them, and last the one that names it. */
  private void assertForcedAsAWhole(List<Path> forced) {
    assertThat(forced.get(forced.size() - 1)).isEqualTo(root);
    assertThat(forced)
        .anySatisfy(
            path -> {
              assertThat(path.getParent()).isEqualTo(root);
              assertThat(path.getFileName().toString()).startsWith(".partial-");
            });
  }

  private List<Path> forced(Runnable change) throws Exception {
    Path file = temporary.resolve("recording.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("jdk.FileForce").withThreshold(Duration.ZERO).withoutStackTrace();
      recording.start();
      change.run();
      recording.stop();
      recording.dump(file);
    }
    return RecordingFile.readAllEvents(file).stream()
        .filter(event -> event.getEventType().getName().equals("jdk.FileForce"))
        .sorted(Comparator.comparing(RecordedEvent::getStartTime))
        .map(event -> Path.of(event.getString("path")))
        .filter(path -> path.startsWith(root))
        .toList();
  }
}
