package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.KeepActivation;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.RunWithHooksHeader;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.golden.GoldenAssert;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Golden values are held to 1e-4 of each tensor's largest magnitude. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RunWithHooksTest {
  private static final String LOGITS = "unembed.hook_out";
  private static final String RESID = "blocks.1.hook_resid_pre";

  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  /** A client whose answers the test gives. */
  private final class Client implements StreamObserver<RunWithHooksResponse> {
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();
    private final StreamObserver<RunWithHooksRequest> requests = tiny.async().runWithHooks(this);

    Client open(RunWithHooksHeader header) {
      return send(RunWithHooksRequest.newBuilder().setHeader(header));
    }

    Client send(RunWithHooksRequest.Builder message) {
      requests.onNext(message.build());
      return this;
    }

    Client keep() {
      return send(RunWithHooksRequest.newBuilder().setKeep(KeepActivation.getDefaultInstance()));
    }

    Client replace(TensorChunk chunk) {
      return send(RunWithHooksRequest.newBuilder().setReplacement(chunk));
    }

    RunWithHooksResponse next() throws InterruptedException {
      Object event = events.poll(60, TimeUnit.SECONDS);
      if (event instanceof RunWithHooksResponse response) {
        return response;
      }
      throw new AssertionError("no message, but " + event);
    }

    Throwable failure() throws InterruptedException {
      Object event = events.poll(60, TimeUnit.SECONDS);
      while (event instanceof RunWithHooksResponse) {
        event = events.poll(60, TimeUnit.SECONDS);
      }
      return (Throwable) event;
    }

    @Override
    public void onNext(RunWithHooksResponse response) {
      events.add(response);
    }

    @Override
    public void onError(Throwable t) {
      events.add(t);
    }

    @Override
    public void onCompleted() {
      events.add("completed");
    }
  }

  private RunWithHooksHeader.Builder header(String... hookPoints) {
    return RunWithHooksHeader.newBuilder()
        .setForwardPass(
            RunForwardPassRequest.newBuilder()
                .setModel(TinyServer.MODEL)
                .addAllPrompts(tiny.prompts())
                .addCaptures(Capture.newBuilder().setHookPoint(LOGITS)))
        .addAllHookPoints(List.of(hookPoints));
  }

  private static float[] logits(RunForwardPassResponse response) {
    return Activations.floats(Activations.byName(response).get(LOGITS));
  }

  private static TensorChunk changed(TensorChunk chunk, UnaryOperator<Float> change) {
    float[] values = Activations.floats(chunk.getData().toByteArray());
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(change.apply(value));
    }
    return chunk.toBuilder().setData(ByteString.copyFrom(bytes.flip())).build();
  }

  @Test
  void keptValuesLeaveThePassAsItIs() throws Exception {
    Client client = new Client().open(header(RESID, "blocks.2.attn.hook_pattern").build());
    List<String> seen = new ArrayList<>();
    RunWithHooksResponse message = client.next();
    while (message.hasActivation()) {
      String name = message.getActivation().getHookPoint();
      seen.add(name);
      GoldenAssert.assertClose(
          name,
          Activations.floats(message.getActivation().getChunk().getData().toByteArray()),
          tiny.golden().tensor("run/" + name));
      client.keep();
      message = client.next();
    }

    assertThat(seen).containsExactly(RESID, "blocks.2.attn.hook_pattern");
    GoldenAssert.assertClose(
        "logits", logits(message.getResult()), tiny.golden().tensor("run/logits"));
    assertThat(client.events.poll(60, TimeUnit.SECONDS)).isEqualTo("completed");
  }

  @Test
  void aReplacementInPiecesIsWhatThePassGoesOnWith() throws Exception {
    Client client = new Client().open(header(RESID).build());
    TensorChunk scaled = changed(client.next().getActivation().getChunk(), value -> value * 0.7f);
    int middle = scaled.getData().size() / 8 * 4;
    client.replace(scaled.toBuilder().setData(scaled.getData().substring(0, middle)).build());
    client.replace(
        TensorChunk.newBuilder()
            .setOffset(middle)
            .setData(scaled.getData().substring(middle))
            .build());
    float[] all = logits(client.next().getResult());
    float[] last = new float[3 * 211];
    for (int row = 0; row < 3; row++) {
      System.arraycopy(all, (row * 17 + 16) * 211, last, row * 211, 211);
    }

    GoldenAssert.assertClose(RESID, last, tiny.golden().tensor("edit_every/" + RESID));
  }

  @Test
  void othersGoOnWhileOneClientThinks() throws Exception {
    Client thinking = new Client().open(header(RESID).build());
    TensorChunk value = thinking.next().getActivation().getChunk();

    for (int i = 0; i < 5; i++) {
      RunForwardPassResponse other = tiny.stub().runForwardPass(header(RESID).getForwardPass());
      GoldenAssert.assertClose("other", logits(other), tiny.golden().tensor("run/logits"));
    }
    Client second = new Client().open(header(RESID).build());
    second.next();
    second.keep();
    assertThat(second.next().hasResult()).isTrue();

    thinking.replace(value);
    GoldenAssert.assertClose(
        "first", logits(thinking.next().getResult()), tiny.golden().tensor("run/logits"));
  }

  @Test
  void anAnswerThatComesTooLateEndsTheCall() throws Exception {
    Duration deadline = Duration.newBuilder().setNanos(50_000_000).build();
    Client client = new Client().open(header(RESID).setHookDeadline(deadline).build());

    Throwable failure = client.failure();

    assertThat(LoupeErrors.reason(failure)).hasValue(ErrorReason.HOOK_DEADLINE);
    assertThat(Status.fromThrowable(failure).getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(failure).hasMessageContaining(RESID).hasMessageContaining("50 ms");
  }

  @Test
  void refusesDeadlinesThatAreNone() throws Exception {
    List<Duration> deadlines =
        List.of(
            Duration.getDefaultInstance(),
            Duration.newBuilder().setSeconds(301).build(),
            Duration.newBuilder().setSeconds(1L << 62).build(),
            Duration.newBuilder().setSeconds(Long.MIN_VALUE).setNanos(-1).build());
    for (Duration deadline : deadlines) {
      refused(
          ErrorReason.INVALID_VALUE,
          "hook_deadline",
          new Client().open(header(RESID).setHookDeadline(deadline).build()));
    }
  }

  private void refused(ErrorReason reason, String message, Client client) throws Exception {
    Throwable failure = client.failure();
    assertThat(LoupeErrors.reason(failure)).as(String.valueOf(failure)).hasValue(reason);
    assertThat(failure).hasMessageContaining(message);
    assertThat(tiny.stub().runForwardPass(header(RESID).getForwardPass()).getRowsCount())
        .isEqualTo(3);
  }

  @Test
  void refusesAnswersThatDoNotFit() throws Exception {
    Client short1 = new Client().open(header(RESID).build());
    TensorChunk value = short1.next().getActivation().getChunk();
    TensorChunk.Builder narrow = value.toBuilder();
    narrow.getLayoutBuilder().getAxesBuilder(2).setSize(16);
    narrow.setData(value.getData().substring(0, value.getData().size() / 2));
    refused(
        ErrorReason.WRONG_SHAPE,
        "give F32, F16 or BF16 [3, 17, 32]",
        short1.replace(narrow.build()));

    Client nan = new Client().open(header(RESID).build());
    nan.next();
    refused(ErrorReason.NOT_FINITE, "holds NaN", nan.replace(changed(value, v -> Float.NaN)));

    RunWithHooksHeader.Builder scales = header(RESID);
    scales
        .getForwardPassBuilder()
        .clearCaptures()
        .addCaptures(Capture.newBuilder().setHookPoint("blocks.1.ln1.hook_scale"));
    Client huge = new Client().open(scales.build());
    huge.next();
    refused(
        ErrorReason.NOT_FINITE,
        "blocks.1.ln1.hook_scale holds infinities",
        huge.replace(changed(value, v -> v < 0 ? -3e38f : 3e38f)));

    Client once = new Client().open(header(RESID, "resid_pre1").build());
    once.next();
    once.keep();
    assertThat(once.next().hasResult()).as("two names of one hook point pause once").isTrue();

    Client gap = new Client().open(header(RESID).build());
    gap.next();
    refused(ErrorReason.WRONG_SHAPE, "offset", gap.replace(value.toBuilder().setOffset(4).build()));

    Client gone = new Client().open(header(RESID).build());
    gone.next();
    gone.requests.onCompleted();
    refused(ErrorReason.INVALID_VALUE, "half-closed", gone);

    Client twice = new Client().open(header(RESID).build());
    twice.next();
    refused(ErrorReason.INVALID_VALUE, "neither keep", twice.open(header(RESID).build()));
  }

  @Test
  void refusesHeadersThatDoNotFit() throws Exception {
    refused(ErrorReason.INVALID_VALUE, "must be a header", new Client().keep());
    refused(ErrorReason.INVALID_VALUE, "hook_points has 0", new Client().open(header().build()));
    refused(
        ErrorReason.UNKNOWN_HOOK_POINT,
        "blocks.7",
        new Client().open(header("blocks.7.x").build()));
    refused(
        ErrorReason.INVALID_VALUE,
        "at most 300 s",
        new Client()
            .open(header(RESID).setHookDeadline(Duration.newBuilder().setSeconds(301)).build()));
  }

  @Test
  void aClientThatGoesAwayFreesItsPass() throws Exception {
    Client client = new Client().open(header(RESID).build());
    client.next();
    client.requests.onError(Status.CANCELLED.asException());
    long until = System.nanoTime() + 30_000_000_000L;
    var reserved = tiny.server().registry().get("loupe.inference.memory.reserved").gauge();
    while (reserved.value() > 0) {
      assertThat(System.nanoTime()).as("memory stays reserved").isLessThan(until);
      Thread.sleep(10);
    }
    assertThat(tiny.stub().runForwardPass(header(RESID).getForwardPass()).getRowsCount())
        .isEqualTo(3);
  }
}
