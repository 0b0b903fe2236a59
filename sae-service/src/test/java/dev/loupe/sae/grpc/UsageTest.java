package dev.loupe.sae.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.longrunning.Operation;
import dev.loupe.proto.sae.v1.DeleteCorpusRequest;
import dev.loupe.proto.sae.v1.DeleteDictionaryRequest;
import dev.loupe.proto.sae.v1.EvaluateDictionaryRequest;
import dev.loupe.sae.SaeMetrics;
import dev.loupe.sae.TinyInference;
import dev.loupe.sae.client.InferenceClient;
import dev.loupe.sae.client.Patience;
import dev.loupe.sae.corpus.CorpusStore;
import dev.loupe.sae.format.DictionaryStore;
import dev.loupe.server.Channels;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.operations.OperationRecord;
import dev.loupe.server.operations.OperationRunner;
import dev.loupe.server.operations.OperationStore;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.testkit.golden.Golden;
import io.grpc.ManagedChannel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deletes that come just while an operation is being started. */
class UsageTest {
  private static final String DICTIONARY = "dictionaries/a";
  private static final String CORPUS = "corpora/texts";
  @TempDir Path folder;
  private final SlowStore stored = new SlowStore();
  private final OperationRunner operations = new OperationRunner(stored, 1, 4);
  private final Usage usage = new Usage(operations);
  private final ManagedChannel nowhere = Channels.plaintext("127.0.0.1:1");
  private final MemoryBudget budget = new MemoryBudget(1L << 30, Duration.ofSeconds(1));
  private DictionaryStore dictionaries;
  private CorpusStore corpora;
  private CorpusJobs jobs;

  @BeforeEach
  void open() throws Exception {
    Path from =
        Golden.copy(
            folder.resolve("golden"), "saelens/topk", "cfg.json", "sae_weights.safetensors");
    Files.createDirectories(folder.resolve("dictionaries"));
    Files.move(from, folder.resolve("dictionaries/a"));
    dictionaries = new DictionaryStore(folder.resolve("dictionaries"));
    corpora = new CorpusStore(folder.resolve("corpora"));
    String model = dictionaries.describe("a").model();
    corpora.create("texts", model, "", List.of(new int[] {TinyInference.BOS, 1}).iterator());
    jobs =
        new CorpusJobs(
            dictionaries,
            corpora,
            operations,
            usage,
            new OperationMemory(budget),
            new InferenceClient(nowhere, Patience.DEFAULT),
            nowhere,
            Patience.DEFAULT,
            new SaeMetrics(new SimpleMeterRegistry()));
  }

  @AfterEach
  void close() {
    operations.close();
    Channels.close(nowhere);
  }

  private Operation evaluate() {
    return jobs.evaluate(
        EvaluateDictionaryRequest.newBuilder().setDictionary(DICTIONARY).setCorpus(CORPUS).build());
  }

  @Test
  void aDictionaryCannotGoWhileItsOperationBegins() {
    DictionaryCalls calls =
        new DictionaryCalls(
            dictionaries, new SharedDictionaries(dictionaries, budget), usage, null);
    assertRefused(
        () -> calls.delete(DeleteDictionaryRequest.newBuilder().setName(DICTIONARY).build()),
        ErrorReason.DICTIONARY_IN_USE);
    assertThat(dictionaries.exists("a")).isTrue();
  }

  @Test
  void aCorpusCannotGoWhileItsOperationBegins() {
    CorpusCalls calls =
        new CorpusCalls(corpora, new InferenceClient(nowhere, Patience.DEFAULT), usage);
    assertRefused(
        () -> calls.delete(DeleteCorpusRequest.newBuilder().setName(CORPUS).build()),
        ErrorReason.CORPUS_IN_USE);
    assertThat(corpora.list()).hasSize(1);
  }

  private void assertRefused(Runnable delete, ErrorReason reason) {
    CompletableFuture<Void> deleted = new CompletableFuture<>();
    stored.deletes =
        new Thread(
            () -> {
              try {
                delete.run();
                deleted.complete(null);
              } catch (RuntimeException e) {
                deleted.completeExceptionally(e);
              }
            });
    assertThat(evaluate().getDone()).isFalse();
    assertThat(deleted)
        .failsWithin(Duration.ofMinutes(1))
        .withThrowableThat()
        .satisfies(e -> assertThat(LoupeErrors.reason(e.getCause())).contains(reason));
  }

  /** While it stores a new operation, something is deleted, or waits for its turn. */
  private static final class SlowStore implements OperationStore {
    private final OperationStore store = OperationStore.inMemory();
    private Thread deletes;

    @Override
    public void put(OperationRecord record) {
      if (deletes != null && deletes.getState() == Thread.State.NEW) {
        deletes.start();
        while (deletes.isAlive() && deletes.getState() != Thread.State.BLOCKED) {
          Thread.onSpinWait();
        }
      }
      store.put(record);
    }

    @Override
    public Optional<OperationRecord> get(String name) {
      return store.get(name);
    }

    @Override
    public List<OperationRecord> list() {
      return store.list();
    }

    @Override
    public void delete(String name) {
      store.delete(name);
    }
  }
}
