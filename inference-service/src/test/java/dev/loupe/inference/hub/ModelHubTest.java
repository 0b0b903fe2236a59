package dev.loupe.inference.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.hub.HubException.Kind;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelHubTest {
  private static final ModelSource TINY = ModelSource.parse("owner/tiny");

  @TempDir Path cache;
  private LocalHub hub;
  private byte[] weights;

  @BeforeEach
  void start() throws IOException {
    weights = new byte[300_000];
    new Random(1).nextBytes(weights);
    hub = new LocalHub().small("config.json", "{\"model_type\": \"gpt2\"}");
    hub.small("tokenizer.json", "{}").large("model.safetensors", weights);
  }

  @AfterEach
  void stop() {
    hub.close();
  }

  private HubSettings settings() {
    return new HubSettings(
        hub.address(),
        cache,
        Optional.empty(),
        false,
        Duration.ofSeconds(5),
        3,
        Duration.ofMillis(1));
  }

  private HubSettings with(Optional<String> token, boolean offline, URI endpoint) {
    HubSettings s = settings();
    return new HubSettings(endpoint, cache, token, offline, s.patience(), s.attempts(), s.pause());
  }

  private Path folder(HubSettings settings) {
    return new ModelHub(settings, DownloadProgress.NONE).folder(TINY);
  }

  private static void fails(Kind kind, String message, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(HubException.class, e -> assertThat(e.kind()).isEqualTo(kind))
        .hasMessageContaining(message);
  }

  @Test
  void fetchesIntoTheCacheLayout() throws IOException {
    Path folder = folder(settings());

    assertThat(folder).isEqualTo(cache.resolve("models--owner--tiny/snapshots/" + LocalHub.COMMIT));
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(weights);
    assertThat(folder.resolve("config.json")).hasContent("{\"model_type\": \"gpt2\"}");
    assertThat(cache.resolve("models--owner--tiny/refs/main")).hasContent(LocalHub.COMMIT);
    try (var blobs = Files.list(cache.resolve("models--owner--tiny/blobs"))) {
      assertThat(blobs).hasSize(3).noneMatch(blob -> blob.toString().endsWith(".incomplete"));
    }
  }

  @Test
  void fetchesNothingTwice() {
    folder(settings());
    hub.requests.clear();

    folder(settings());

    assertThat(hub.requests).allMatch(request -> request.startsWith("HEAD"));
  }

  @Test
  void tellsHowFarItIs() {
    List<Long> done = new ArrayList<>();
    new ModelHub(
            settings(),
            (file, bytes, total) -> {
              if (file.equals("model.safetensors")) {
                assertThat(total).isEqualTo(weights.length);
                done.add(bytes);
              }
            })
        .folder(TINY);

    assertThat(done).isSorted().endsWith((long) weights.length);
  }

  @Test
  void fetchesVocabAndMergesWhereThereIsNoTokenizerJson() throws IOException {
    try (LocalHub other = new LocalHub()) {
      other.small("config.json", "{}").small("vocab.json", "{}").small("merges.txt", "a b");
      other.large("model.safetensors", weights);
      Path folder = folder(with(Optional.empty(), false, other.address()));

      assertThat(folder.resolve("merges.txt")).hasContent("a b");
    }
  }

  @Test
  void fetchesWhatSaysMoreOfTokensAndGenerationWhereItIsThere() throws IOException {
    hub.small("tokenizer_config.json", "{\"a\": 1}").small("special_tokens_map.json", "{\"b\": 1}");
    hub.small("added_tokens.json", "{\"c\": 1}").small("generation_config.json", "{\"d\": 1}");

    Path folder = folder(settings());

    assertThat(folder.resolve("tokenizer_config.json")).hasContent("{\"a\": 1}");
    assertThat(folder.resolve("special_tokens_map.json")).hasContent("{\"b\": 1}");
    assertThat(folder.resolve("added_tokens.json")).hasContent("{\"c\": 1}");
    assertThat(folder.resolve("generation_config.json")).hasContent("{\"d\": 1}");
  }

  @Test
  void fetchesAModelThatHasNoTokenizer() throws IOException {
    try (LocalHub other = new LocalHub()) {
      other.small("config.json", "{}").large("model.safetensors", weights);
      Path folder = folder(with(Optional.empty(), false, other.address()));

      assertThat(folder.resolve("model.safetensors")).exists();
      assertThat(folder(with(Optional.empty(), true, other.address()))).isEqualTo(folder);
    }
  }

  @Test
  void refusesAVocabularyWithoutItsMerges() throws IOException {
    try (LocalHub other = new LocalHub()) {
      other.small("config.json", "{}").small("vocab.json", "{}");
      other.large("model.safetensors", weights);
      HubSettings settings = with(Optional.empty(), false, other.address());

      fails(Kind.NOT_FOUND, "has no merges.txt", () -> folder(settings));
    }
  }

  @Test
  void fetchesEveryShardThatTheIndexNames() throws IOException {
    try (LocalHub other = new LocalHub()) {
      other.small("config.json", "{}").small("tokenizer.json", "{}");
      other.small(
          "model.safetensors.index.json",
          "{\"weight_map\": {\"a\": \"m-1.safetensors\", \"b\": \"m-2.safetensors\"}}");
      other.large("m-1.safetensors", new byte[] {1}).large("m-2.safetensors", new byte[] {2});
      Path folder = folder(with(Optional.empty(), false, other.address()));

      assertThat(folder.resolve("m-2.safetensors")).hasBinaryContent(new byte[] {2});
    }
  }

  @Test
  void refusesShardsWithPathsInTheirNames() throws IOException {
    try (LocalHub other = new LocalHub()) {
      other.small("config.json", "{}").small("tokenizer.json", "{}");
      other.small(
          "model.safetensors.index.json", "{\"weight_map\": {\"a\": \"../../x.safetensors\"}}");
      HubSettings settings = with(Optional.empty(), false, other.address());

      fails(Kind.CORRUPT, "names the shard", () -> folder(settings));
    }
  }

  @Test
  void goesOnWhereAnEarlierTryStopped() throws IOException {
    hub.cutAfter = 100_000;
    hub.cuts = 1_000;
    HubSettings once =
        new HubSettings(
            hub.address(),
            cache,
            Optional.empty(),
            false,
            Duration.ofSeconds(5),
            1,
            Duration.ofMillis(1));
    fails(Kind.UNREACHABLE, "of 300000 bytes", () -> folder(once));
    // What had arrived when the connection was cut is as much as the client had read by then.
    long kept = incompleteBytes();
    assertThat(kept).isBetween(1L, 100_000L);
    hub.cuts = 0;

    Path folder = folder(settings());

    assertThat(hub.requests).contains("STORAGE model.safetensors bytes=" + kept + "-");
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(weights);
  }

  private long incompleteBytes() throws IOException {
    try (var blobs = Files.list(cache.resolve("models--owner--tiny/blobs"))) {
      Path partial =
          blobs.filter(blob -> blob.toString().endsWith(".incomplete")).findFirst().orElseThrow();
      return Files.size(partial);
    }
  }

  @Test
  void triesAgainByItselfWhenTheConnectionIsCut() {
    hub.cutAfter = 70_000;
    hub.cuts = 4;

    Path folder = folder(settings());

    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(weights);
    assertThat(hub.requests).filteredOn(r -> r.startsWith("STORAGE")).hasSize(5);
    assertThat(hub.requests).filteredOn(r -> r.contains(" bytes=")).doesNotHaveDuplicates();
  }

  @Test
  void startsAgainWhereTheServerKnowsNoRanges() {
    hub.ranges = false;
    hub.cutAfter = 70_000;
    hub.cuts = 1;

    assertThat(folder(settings()).resolve("model.safetensors")).hasBinaryContent(weights);
  }

  @Test
  void outlastsAHubThatFailsForAMoment() {
    hub.failures = 2;

    assertThat(folder(settings()).resolve("config.json")).exists();
  }

  @Test
  void givesUpOnAHubThatKeepsFailing() {
    hub.failures = 1_000;

    fails(Kind.UNREACHABLE, "HTTP status 503", () -> folder(settings()));
    assertThat(hub.requests).hasSize(3);
  }

  @Test
  void keepsNothingWithAWrongHash() throws IOException {
    hub.announcedHash = Optional.of("a".repeat(64));

    fails(Kind.CORRUPT, "another hash", () -> folder(settings()));
    try (var blobs = Files.list(cache.resolve("models--owner--tiny/blobs"))) {
      assertThat(blobs).isEmpty();
    }
  }

  @Test
  void keepsNothingThatIsLongerThanAnnounced() {
    hub.announcedSize = 1_000;

    fails(Kind.CORRUPT, "longer than the 1000 bytes", () -> folder(settings()));
  }

  @Test
  void saysWhenTheDiskIsTooSmall() {
    hub.announcedSize = 1L << 60;

    fails(Kind.DISK, "more bytes, but the disk", () -> folder(settings()));
  }

  @Test
  void saysWhenTheCacheCannotBeWritten() throws IOException {
    Path file = Files.writeString(cache.resolve("in-the-way"), "");
    HubSettings s = settings();
    HubSettings blocked =
        new HubSettings(
            s.endpoint(), file, s.token(), false, s.patience(), s.attempts(), s.pause());

    fails(Kind.DISK, "cannot write", () -> folder(blocked));
  }

  @Test
  void givesUpOnAnAnswerThatStalls() {
    hub.stalls = true;
    HubSettings s = settings();
    HubSettings impatient =
        new HubSettings(
            s.endpoint(), cache, s.token(), false, Duration.ofMillis(300), 2, s.pause());

    fails(Kind.UNREACHABLE, "nothing came for 300 ms", () -> folder(impatient));
  }

  @Test
  void aSlowDownloadIsInNobodysWay() throws Exception {
    hub.stalls = true;
    ModelHub slow = new ModelHub(settings(), DownloadProgress.NONE);
    Thread first =
        new Thread(
            () -> {
              try {
                slow.folder(TINY);
              } catch (HubException e) {
                // The hub closes at the end of the test.
              }
            });
    first.start();
    assertThat(hub.stalled.await(20, TimeUnit.SECONDS)).isTrue();
    hub.stalls = false;
    CompletableFuture<Path> other =
        CompletableFuture.supplyAsync(
            () ->
                new ModelHub(settings(), DownloadProgress.NONE)
                    .folder(new ModelSource.Repository("owner/other", "main")));
    assertThat(other.get(20, TimeUnit.SECONDS).resolve("model.safetensors")).exists();
    assertThat(first.isAlive()).isTrue();
    hub.close();
    first.interrupt();
    first.join();
  }

  @Test
  void refusesFilesThatCannotBeChecked() {
    hub.announcedHash = Optional.of("not-a-hash");

    fails(Kind.CORRUPT, "names no hash", () -> folder(settings()));
  }

  @Test
  void sendsTheTokenToTheHubAlone() {
    hub.requiredToken = Optional.of("secret");

    fails(Kind.DENIED, "set HF_TOKEN", () -> folder(settings()));
    folder(with(Optional.of("secret"), false, hub.address()));
    assertThat(hub.tokenSeenByStorage).isFalse();
  }

  @Test
  void saysWhatARefusalMeans() {
    hub.forbidden = 403;
    fails(Kind.DENIED, "denies access", () -> folder(settings()));
  }

  @Test
  void saysWhatDoesNotExist() {
    ModelHub models = new ModelHub(settings(), DownloadProgress.NONE);
    fails(
        Kind.NOT_FOUND,
        "no such repository",
        () -> models.folder(ModelSource.parse("owner/absent")));
  }

  @Test
  void readsNoOtherWeights() throws IOException {
    try (LocalHub other = new LocalHub()) {
      other.small("config.json", "{}").small("tokenizer.json", "{}");
      other.large("pytorch_model.bin", weights);
      HubSettings settings = with(Optional.empty(), false, other.address());

      fails(Kind.NOT_FOUND, "has no model.safetensors.index.json", () -> folder(settings));
      assertThat(other.requests).noneMatch(request -> request.contains("pytorch_model.bin"));
    }
  }

  @Test
  void worksFromTheCacheWithoutAConnection() throws IOException {
    URI nobody;
    try (ServerSocket socket = new ServerSocket(0)) {
      nobody = URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }
    HubSettings unreachable = with(Optional.empty(), false, nobody);
    fails(Kind.UNREACHABLE, "cannot be reached", () -> folder(unreachable));
    fails(
        Kind.UNREACHABLE,
        "HF_HUB_OFFLINE",
        () -> folder(with(Optional.empty(), true, hub.address())));

    Path folder = folder(settings());

    assertThat(folder(unreachable)).isEqualTo(folder);
    assertThat(folder(with(Optional.empty(), true, nobody))).isEqualTo(folder);
  }
}
