package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ListenableFuture;
import dev.loupe.inference.TinyServer;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.RandomModel;
import dev.loupe.inference.scheduling.DeviceTurn;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.Scale;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.proto.inference.v1.TokenScore;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import io.grpc.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Many clients over real sockets: who waits, who runs together, and what ends with its client. */
class SchedulingTest {
  private static final String RESID = "blocks.1.hook_resid_post";

  @TempDir private Path folder;

  private ControlledServer tiny(int maxWaiting) {
    return new ControlledServer(TinyServer.folder(folder), maxWaiting);
  }

  /** A model whose passes take long enough to be broken off. */
  private ControlledServer slow() throws Exception {
    Path tokens = TinyServer.folder(folder.resolve("tokens"));
    Path deep = Files.createDirectory(folder.resolve("deep"));
    new RandomModel(deep, GptConfig.gpt2(96, 4, 64, 48, 211, 210), 1).close();
    Files.copy(tokens.resolve("tokenizer.json"), deep.resolve("tokenizer.json"));
    return new ControlledServer(deep, 10);
  }

  private static RunForwardPassRequest request(int length, int seed) {
    return RunForwardPassRequest.newBuilder()
        .setModel(ControlledServer.MODEL)
        .addPrompts(TinyServer.prompt(new Random(seed).ints(length, 0, 211).toArray()))
        .setTopK(3)
        .build();
  }

  private static RunForwardPassRequest longRequest() {
    RunForwardPassRequest.Builder request = request(48, 1).toBuilder();
    for (int i = 1; i < 64; i++) {
      request.addPrompts(request.getPrompts(0));
    }
    return request.build();
  }

  private static void failsWith(Status.Code code, ListenableFuture<?> answer) {
    assertThatThrownBy(answer::get)
        .isInstanceOf(ExecutionException.class)
        .satisfies(e -> assertThat(Status.fromThrowable(e).getCode()).isEqualTo(code));
  }

  @Test
  void clientsThatWaitTogetherAreAnsweredByOnePass() throws Exception {
    try (ControlledServer server = tiny(100)) {
      List<RunForwardPassRequest> requests = new ArrayList<>();
      for (int i = 0; i < 9; i++) {
        RunForwardPassRequest.Builder request = request(8 + i, i).toBuilder();
        request.addCaptures(Capture.newBuilder().setHookPoint(RESID)).setLoss(i % 3 == 0);
        if (i % 2 == 0) {
          request.addInterventions(
              Intervention.newBuilder()
                  .setHookPoint("blocks.0.attn.hook_z")
                  .addHeads(i % 4)
                  .setScale(Scale.newBuilder().setFactor(0.3f)));
        }
        requests.add(request.build());
      }
      List<ListenableFuture<RunForwardPassResponse>> answers = new ArrayList<>();
      try (DeviceTurn held = server.hold()) {
        assertThat(held).isNotNull();
        for (RunForwardPassRequest request : requests) {
          int waiting = answers.size();
          answers.add(server.stub("tenant" + waiting % 4).runForwardPass(request));
          ControlledServer.await("one waits more", () -> server.waiting() > waiting);
        }
      }
      for (int i = 0; i < 9; i++) {
        RunForwardPassResponse together = answers.get(i).get();
        RunForwardPassResponse alone = server.stub().runForwardPass(requests.get(i));
        assertSame("request " + i, together, alone);
      }
      assertThat(server.batches()).isEqualTo(1 + 9);
      assertThat(server.reserved()).isZero();
    }
  }

  /** A batch of a stream is a pass of its own: a training that reads it ends with the same bits. */
  @Test
  void whoeverWaitsBesideAStreamChangesNoBitOfIt() throws Exception {
    try (ControlledServer server = tiny(100)) {
      Map<String, byte[]> alone = stream(server).bytes();
      List<ListenableFuture<RunForwardPassResponse>> others = new ArrayList<>();
      ActivationClient beside;
      try (DeviceTurn held = server.hold()) {
        assertThat(held).isNotNull();
        for (int i = 0; i < 6; i++) {
          int waiting = i;
          RunForwardPassRequest asDeep =
              request(7 + i, i).toBuilder()
                  .clearTopK()
                  .addCaptures(Capture.newBuilder().setHookPoint(RESID))
                  .build();
          others.add(server.stub("tenant" + i % 2).runForwardPass(asDeep));
          ControlledServer.await("one waits more", () -> server.waiting() > waiting);
        }
        beside = openStream(server);
        ControlledServer.await("the stream waits", () -> server.waiting() > 6);
      }
      assertThat(beside.end()).isNull();
      for (ListenableFuture<RunForwardPassResponse> other : others) {
        other.get();
      }
      assertThat(beside.bytes()).hasSameSizeAs(alone).isNotEmpty();
      beside.bytes().forEach((key, bytes) -> assertThat(bytes).as(key).isEqualTo(alone.get(key)));
      assertThat(server.batches()).as("the others together").isEqualTo(3);
    }
  }

  private static ActivationClient stream(ControlledServer server) throws Exception {
    ActivationClient client = openStream(server);
    assertThat(client.end()).isNull();
    return client;
  }

  private static ActivationClient openStream(ControlledServer server) {
    StreamActivationsHeader header =
        StreamActivationsHeader.newBuilder()
            .setModel(ControlledServer.MODEL)
            .addCaptures(Capture.newBuilder().setHookPoint(RESID))
            .build();
    TokenBatch batch =
        TokenBatch.newBuilder().addRows(TinyServer.row(5, 80, 9, 200, 17, 3, 99)).build();
    return ActivationClient.open(InferenceServiceGrpc.newStub(server.channel()))
        .send(StreamActivationsRequest.newBuilder().setHeader(header).build())
        .send(batch)
        .halfClose()
        .read(100);
  }

  private static void assertSame(
      String label, RunForwardPassResponse together, RunForwardPassResponse alone) {
    float[] expected = Activations.floats(Activations.byName(alone).get(RESID));
    double[] wide = new double[expected.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = expected[i];
    }
    float[] actual = Activations.floats(Activations.byName(together).get(RESID));
    GoldenAssert.assertClose(label, actual, wide, Golden.TOLERANCE);
    assertThat(ids(together)).as(label).isEqualTo(ids(alone));
    assertThat(together.getRows(0).getTokenLossesCount())
        .isEqualTo(alone.getRows(0).getTokenLossesCount());
    for (int i = 0; i < alone.getRows(0).getTokenLossesCount(); i++) {
      assertThat(together.getRows(0).getTokenLosses(i))
          .isCloseTo(
              alone.getRows(0).getTokenLosses(i), org.assertj.core.data.Offset.offset(1e-3f));
    }
  }

  private static List<Integer> ids(RunForwardPassResponse response) {
    return response.getRows(0).getPredictions(0).getTopList().stream()
        .map(TokenScore::getId)
        .toList();
  }

  @Test
  void aFullQueueRefusesMoreAndSaysSo() throws Exception {
    try (ControlledServer server = tiny(2)) {
      List<ListenableFuture<RunForwardPassResponse>> answers = new ArrayList<>();
      try (DeviceTurn held = server.hold()) {
        assertThat(held).isNotNull();
        answers.add(server.stub("a").runForwardPass(request(5, 1)));
        answers.add(server.stub("b").runForwardPass(request(5, 2)));
        ControlledServer.await("two wait", () -> server.waiting() == 2);
        assertThatThrownBy(() -> server.stub().runForwardPass(request(5, 3)))
            .satisfies(
                e -> {
                  assertThat(Status.fromThrowable(e).getCode())
                      .isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
                  assertThat(LoupeErrors.reason(e)).hasValue(ErrorReason.QUEUE_FULL);
                  assertThat(LoupeErrors.retryAfter(e)).hasValue(Duration.ofSeconds(1));
                });
      }
      for (ListenableFuture<RunForwardPassResponse> answer : answers) {
        assertThat(answer.get().getRowsCount()).isEqualTo(1);
      }
      assertThat(server.reserved()).isZero();
    }
  }

  @Test
  void oneTenantDoesNotHoldUpAnother() throws Exception {
    try (ControlledServer server = tiny(100)) {
      List<String> order = Collections.synchronizedList(new ArrayList<>());
      List<ListenableFuture<RunForwardPassResponse>> answers = new ArrayList<>();
      try (DeviceTurn held = server.hold()) {
        assertThat(held).isNotNull();
        for (int i = 0; i <= 30; i++) {
          String tenant = i < 30 ? "crowd" : "one";
          // Logits at every place are not shared with others, so each takes a turn of its own.
          RunForwardPassRequest request =
              request(40, i).toBuilder()
                  .addCaptures(Capture.newBuilder().setHookPoint("unembed.hook_out"))
                  .build();
          ListenableFuture<RunForwardPassResponse> answer =
              server.stub(tenant).runForwardPass(request);
          answer.addListener(() -> order.add(tenant), Runnable::run);
          answers.add(answer);
          int waiting = i;
          ControlledServer.await("one waits more", () -> server.waiting() > waiting);
        }
      }
      for (ListenableFuture<RunForwardPassResponse> answer : answers) {
        answer.get();
      }
      ControlledServer.await("all were noted", () -> order.size() == 31);
      assertThat(order.indexOf("one")).isLessThan(15);
      assertThat(server.batches()).isEqualTo(31);
    }
  }

  @Test
  void oneTenantDoesNotTakeAllCalls() throws Exception {
    try (ControlledServer server = tiny(100)) {
      List<ListenableFuture<RunForwardPassResponse>> answers = new ArrayList<>();
      try (DeviceTurn held = server.hold()) {
        assertThat(held).isNotNull();
        for (int i = 0; i < ControlledServer.MOST_OF_ONE; i++) {
          answers.add(server.stub("crowd").runForwardPass(request(5, i)));
        }
        ControlledServer.await("all wait", () -> server.waiting() == answers.size());
        ListenableFuture<RunForwardPassResponse> tooMany =
            server.stub("crowd").runForwardPass(request(5, 99));
        failsWith(Status.Code.RESOURCE_EXHAUSTED, tooMany);
        answers.add(server.stub("one").runForwardPass(request(5, 99)));
        ControlledServer.await("one more waits", () -> server.waiting() == answers.size());
      }
      for (ListenableFuture<RunForwardPassResponse> answer : answers) {
        answer.get();
      }
      ControlledServer.await("the crowd is let in again", () -> isAnswered(server, "crowd"));
    }
  }

  private static boolean isAnswered(ControlledServer server, String tenant) {
    try {
      return server.stub(tenant).runForwardPass(request(5, 1)).get().getRowsCount() == 1;
    } catch (ExecutionException | InterruptedException e) {
      return false;
    }
  }

  @Test
  void whoeverCancelsOrIsLateWhileWaitingLeavesNothingBehind() throws Exception {
    try (ControlledServer server = tiny(10);
        DeviceTurn held = server.hold()) {
      assertThat(held).isNotNull();
      ListenableFuture<RunForwardPassResponse> cancelled =
          server.stub("a").runForwardPass(request(9, 1));
      ListenableFuture<RunForwardPassResponse> late =
          server
              .stub("b")
              .withDeadlineAfter(200, TimeUnit.MILLISECONDS)
              .runForwardPass(request(9, 2));
      ControlledServer.await("both wait or are late", () -> late.isDone() || server.waiting() == 2);
      cancelled.cancel(true);
      failsWith(Status.Code.DEADLINE_EXCEEDED, late);
      ControlledServer.await("nobody waits", () -> server.waiting() == 0);
      ControlledServer.await("nothing is reserved", () -> server.reserved() == 0);
      assertThat(server.begunPasses()).isZero();
    }
  }

  @Test
  void aCancelledPassStopsBetweenLayersAndFreesItsMemory() throws Exception {
    try (ControlledServer server = slow()) {
      ListenableFuture<RunForwardPassResponse> answer =
          server.stub("a").runForwardPass(longRequest());
      ControlledServer.await("the pass began", () -> server.begunPasses() == 1);
      assertThat(server.reserved()).isPositive();
      answer.cancel(true);
      ControlledServer.await("nothing is reserved", () -> server.reserved() == 0);
      assertThat(server.finishedTurns()).isZero();
      assertThat(server.stub().runForwardPass(request(3, 1)).getRowsCount()).isEqualTo(1);
    }
  }

  @Test
  void aPassThatIsLateStopsBetweenLayersAndFreesItsMemory() throws Exception {
    try (ControlledServer server = slow()) {
      ListenableFuture<RunForwardPassResponse> answer =
          server
              .stub("a")
              .withDeadlineAfter(30, TimeUnit.MILLISECONDS)
              .runForwardPass(longRequest());
      failsWith(Status.Code.DEADLINE_EXCEEDED, answer);
      ControlledServer.await("nothing is reserved", () -> server.reserved() == 0);
      assertThat(server.finishedTurns()).isZero();
      assertThat(server.stub().runForwardPass(request(3, 1)).getRowsCount()).isEqualTo(1);
    }
  }
}
