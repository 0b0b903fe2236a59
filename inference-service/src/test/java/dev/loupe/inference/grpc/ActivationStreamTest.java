package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.inference.InferenceMetric;
import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.golden.GoldenAssert;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Golden values are held to 1e-4 of each tensor's largest magnitude. */
class ActivationStreamTest {
  private static final String LOGITS = "unembed.hook_out";

  @TempDir Path folder;
  private TinyServer tiny;

  @BeforeEach
  void start() {
    tiny = new TinyServer(folder);
  }

  @AfterEach
  void stop() {
    tiny.close();
  }

  private static StreamActivationsRequest header(String... captures) {
    StreamActivationsHeader.Builder header =
        StreamActivationsHeader.newBuilder().setModel(TinyServer.MODEL);
    for (String name : captures) {
      header.addCaptures(Capture.newBuilder().setHookPoint(name));
    }
    return StreamActivationsRequest.newBuilder().setHeader(header).build();
  }

  /** A batch of random rows; the same id gives the same rows. */
  private static TokenBatch batch(long id, int rows, int width) {
    SplittableRandom random = new SplittableRandom(id);
    TokenBatch.Builder batch = TokenBatch.newBuilder().setBatchId(id);
    for (int r = 0; r < rows; r++) {
      batch.addRows(TinyServer.row(random.ints(width, 0, 210).toArray()));
    }
    return batch.build();
  }

  private void awaits(BooleanSupplier condition) throws InterruptedException {
    long until = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited too long").isLessThan(until);
      Thread.sleep(10);
    }
  }

  private double metric(InferenceMetric metric) {
    return tiny.server().registry().get(metric.id()).meter().measure().iterator().next().getValue();
  }

  private void refused(ErrorReason reason, String message, ActivationClient client)
      throws Exception {
    Throwable failure = client.read(1_000).end();
    assertThat(LoupeErrors.reason(failure)).as(String.valueOf(failure)).hasValue(reason);
    assertThat(failure).hasMessageContaining(message);
    assertThat(tiny.stub().listModels(ListModelsRequest.getDefaultInstance()).getModelsCount())
        .isEqualTo(1);
  }

  @Test
  void streamsTheGoldenActivations() throws Exception {
    TokenBatch.Builder batch = TokenBatch.newBuilder().setBatchId(42);
    tiny.rows().forEach(row -> batch.addRows(TinyServer.row(row)));
    ActivationClient client =
        ActivationClient.open(tiny)
            .send(header("blocks.*.hook_resid_post", "blocks.1.attn.hook_pattern"))
            .send(batch.build())
            .halfClose()
            .read(1_000);

    assertThat(client.end()).isNull();
    assertThat(client.done()).containsExactly(42L);
    assertThat(client.bytes().keySet())
        .containsExactly(
            "42 blocks.0.hook_resid_post",
            "42 blocks.1.attn.hook_pattern",
            "42 blocks.1.hook_resid_post",
            "42 blocks.2.hook_resid_post");
    client
        .bytes()
        .forEach(
            (key, bytes) -> {
              String name = "run/" + key.substring(3);
              GoldenAssert.assertClose(name, Activations.floats(bytes), tiny.golden().tensor(name));
            });
  }

  @Test
  void largeValuesComeInChunksOfAtMostOneMebibyte() throws Exception {
    ActivationClient client =
        ActivationClient.open(tiny)
            .send(header(LOGITS))
            .send(batch(1, 256, 48))
            .halfClose()
            .read(1_000);

    assertThat(client.end()).isNull();
    assertThat(client.largestChunk()).isEqualTo(1 << 20);
    assertThat(client.bytes().get("1 " + LOGITS)).hasSize(256 * 48 * 211 * 4);
    assertThat(metric(InferenceMetric.CAPTURED)).isEqualTo(256 * 48 * 211 * 4);
    assertThat(metric(InferenceMetric.TOKENS)).isEqualTo(256 * 48);
  }

  @Test
  void aClientThatDoesNotReadHoldsTheModelBack() throws Exception {
    ActivationClient client = ActivationClient.open(tiny).send(header(LOGITS));
    for (int id = 0; id < 12; id++) {
      client.send(batch(id, 256, 48));
    }
    awaits(() -> metric(InferenceMetric.TOKENS) > 0);
    double before = -1;
    while (before != metric(InferenceMetric.TOKENS)) {
      before = metric(InferenceMetric.TOKENS);
      Thread.sleep(500);
    }
    // One batch is being sent, the next has run meanwhile; nobody has read a byte of either.
    assertThat(before).isEqualTo(2 * 256 * 48);
    assertThat(client.messages()).isZero();
    assertThat(metric(InferenceMetric.RESERVED)).isPositive();

    client.halfClose().read(1_000);

    assertThat(client.end()).isNull();
    assertThat(client.done()).hasSize(12);
    awaits(() -> metric(InferenceMetric.RESERVED) == 0);
  }

  @Test
  void aBatchThatDoesNotFitBesideTheLastOneWaitsUntilThatIsSent(@TempDir Path other)
      throws Exception {
    ActivationClient roomy = ActivationClient.open(tiny).send(header(LOGITS));
    roomy.send(batch(0, 256, 48));
    awaits(() -> metric(InferenceMetric.TOKENS) == 256 * 48);
    long one = (long) metric(InferenceMetric.RESERVED);
    roomy.cancel();
    tiny.close();

    Duration patience = Duration.ofMinutes(1);
    tiny = new TinyServer(other, config -> config.withBounds(4, 4, one * 3 / 2, patience));
    ActivationClient client = ActivationClient.open(tiny).send(header(LOGITS));
    for (int id = 0; id < 4; id++) {
      client.send(batch(id, 256, 48));
    }
    awaits(() -> metric(InferenceMetric.TOKENS) > 0);
    Thread.sleep(500);
    assertThat(metric(InferenceMetric.TOKENS)).isEqualTo(256 * 48);

    assertThat(client.halfClose().read(1_000).end()).isNull();
    assertThat(client.done()).hasSize(4);
    awaits(() -> metric(InferenceMetric.RESERVED) == 0);
  }

  @Test
  void aBatchThatIsRefusedLeavesThoseBeforeItWhole() throws Exception {
    ActivationClient client = ActivationClient.open(tiny).send(header(LOGITS));
    client.send(batch(1, 256, 48)).send(batch(2, 16, 48)).send(batch(3, 257, 1));

    refused(ErrorReason.INVALID_VALUE, "batch 3.rows has 257 entries", client);
    assertThat(client.done()).containsExactly(1L, 2L);
    assertThat(client.bytes().get("1 " + LOGITS)).hasSize(256 * 48 * 211 * 4);
    awaits(() -> metric(InferenceMetric.RESERVED) == 0);
  }

  @Test
  void aClientThatGoesAwayLeavesNothingBehind() throws Exception {
    ActivationClient client = ActivationClient.open(tiny).send(header(LOGITS));
    for (int id = 0; id < 10; id++) {
      client.send(batch(id, 256, 48));
    }
    client.read(3);
    awaits(() -> client.messages() == 3);

    client.cancel();

    awaits(() -> metric(InferenceMetric.RESERVED) == 0);
    double run = metric(InferenceMetric.TOKENS);
    assertThat(run).isLessThan(10 * 256 * 48);
    ActivationClient next =
        ActivationClient.open(tiny).send(header(LOGITS)).send(batch(0, 1, 8)).halfClose().read(9);
    assertThat(next.end()).isNull();
  }

  @Test
  void whatOneServerLeftAnotherAnswersWithTheSameBytes(@TempDir Path other) throws Exception {
    String hook = "blocks.1.hook_resid_post";
    Map<String, byte[]> expected = new TreeMap<>();
    ActivationClient whole = ActivationClient.open(tiny).send(header(hook));
    for (int id = 0; id < 8; id++) {
      whole.send(batch(id, 16, 48 - id));
    }
    assertThat(whole.halfClose().read(1_000).end()).isNull();
    expected.putAll(whole.bytes());

    ActivationClient broken = ActivationClient.open(tiny).send(header(hook)).read(5);
    for (int id = 0; id < 8; id++) {
      broken.send(batch(id, 16, 48 - id));
    }
    broken.awaitDone(1);
    awaits(() -> broken.messages() == 5);
    broken.cancel();
    assertThat(broken.done()).containsExactly(0L, 1L);
    Map<String, byte[]> resumed = new TreeMap<>(broken.bytes());
    try (TinyServer second = new TinyServer(other)) {
      ActivationClient rest = ActivationClient.open(second).send(header(hook));
      for (int id = 7; id >= 2; id--) {
        rest.send(batch(id, 16, 48 - id));
      }
      assertThat(rest.halfClose().read(1_000).end()).isNull();
      resumed.putAll(rest.bytes());
    }

    assertThat(resumed.keySet()).isEqualTo(expected.keySet()).hasSize(8);
    resumed.forEach((key, bytes) -> assertThat(bytes).as(key).isEqualTo(expected.get(key)));
  }

  @Test
  void refusesStreamsThatBreakTheRules() throws Exception {
    refused(
        ErrorReason.INVALID_VALUE,
        "must be a header",
        ActivationClient.open(tiny).send(batch(1, 1, 1)));
    refused(ErrorReason.INVALID_VALUE, "must be a header", ActivationClient.open(tiny).halfClose());
    refused(
        ErrorReason.INVALID_VALUE,
        "must be a batch",
        ActivationClient.open(tiny).send(header(LOGITS)).send(header(LOGITS)));
    refused(
        ErrorReason.INVALID_VALUE,
        "batch.batch_id is 5",
        ActivationClient.open(tiny).send(header(LOGITS)).send(batch(5, 1, 1)).send(batch(5, 1, 1)));
    refused(
        ErrorReason.INVALID_VALUE,
        "captures has 0 entries",
        ActivationClient.open(tiny).send(header()));
    refused(
        ErrorReason.UNKNOWN_HOOK_POINT,
        "nowhere",
        ActivationClient.open(tiny).send(header("nowhere")));
    refused(
        ErrorReason.INVALID_VALUE,
        "batch 3.rows has 257 entries",
        ActivationClient.open(tiny).send(header(LOGITS)).send(batch(3, 257, 1)));
    refused(
        ErrorReason.PROMPT_TOO_LONG,
        "batch 3.rows[0] has 49 tokens",
        ActivationClient.open(tiny).send(header(LOGITS)).send(batch(3, 1, 49)));
    refused(
        ErrorReason.EMPTY_PROMPT,
        "batch 3.rows[0] is empty",
        ActivationClient.open(tiny).send(header(LOGITS)).send(batch(3, 1, 0)));
  }
}
