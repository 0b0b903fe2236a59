package dev.loupe.sae.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.longrunning.Operation;
import com.google.protobuf.ByteString;
import dev.loupe.proto.sae.v1.DictionaryHeader;
import dev.loupe.proto.sae.v1.EncodeActivationsRequest;
import dev.loupe.proto.sae.v1.EncodeActivationsResponse;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.sae.SaeClient;
import dev.loupe.sae.SaeConfig;
import dev.loupe.sae.SaeServer;
import dev.loupe.sae.TinyInference;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What needs more memory than there is. */
class MemoryTest {
  private static final long MEMORY = 100L << 20;
  private static final Pattern NUMBER = Pattern.compile("at most (\\d+)(?: examples)?$");
  @TempDir static Path folder;
  private static TinyInference inference;
  private static SaeServer server;
  private static SaeClient client;

  @BeforeAll
  static void start() {
    inference = TinyInference.start(folder);
    server =
        SaeServer.start(
            SaeConfig.of(folder.resolve("sae"), inference.target(), "127.0.0.1:1")
                .withMemory(MEMORY, Duration.ofMillis(200)));
    client = new SaeClient(server.target());
    client.createCorpus("texts", SaeClient.randomRows(40, 3));
    train("wide", 3_000);
  }

  @AfterAll
  static void close() {
    client.close();
    server.close();
    inference.close();
  }

  private static Operation train(String id, int dSae) {
    Operation started =
        client.stub().trainDictionary(SaeClient.training(id, 2).setDSae(dSae).build());
    Operation done = client.await(started.getName());
    assertThat(done.hasError()).as(done.getError().getMessage()).isFalse();
    return done;
  }

  private static Operation publish(int examples) {
    return client
        .stub()
        .publishFeatures(
            PublishFeaturesRequest.newBuilder()
                .setDictionary("dictionaries/wide")
                .setCorpus("corpora/texts")
                .setExamples(examples)
                .build());
  }

  private static double reserved() {
    return server.registry().get("loupe.sae.memory").gauge().value();
  }

  private static int fitting(Runnable call) {
    StatusRuntimeException refused = catchThrowableOfType(StatusRuntimeException.class, call::run);
    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(LoupeErrors.reason(refused)).contains(ErrorReason.OUT_OF_BUDGET);
    assertThat(LoupeErrors.passes(refused)).isFalse();
    Matcher number = NUMBER.matcher(refused.getStatus().getDescription());
    assertThat(number.find()).as(refused.getStatus().getDescription()).isTrue();
    return Integer.parseInt(number.group(1));
  }

  @Test
  void aDictionaryThatIsTooWideIsRefusedWithOneThatIsNot() {
    int fitting =
        fitting(
            () ->
                client
                    .stub()
                    .trainDictionary(SaeClient.training("wider", 2).setDSae(1 << 20).build()));
    assertThat(fitting).isBetween(5_000, 50_000);
    train("fitting", fitting);
    assertThat(reserved()).isZero();
  }

  @Test
  void examplesThatAreTooManyAreRefusedWithHowManyAreNot() {
    int fitting = fitting(() -> publish(100));
    assertThat(fitting).isBetween(5, 99);
    Operation accepted = publish(fitting);
    client
        .operations()
        .cancelOperation(
            com.google.longrunning.CancelOperationRequest.newBuilder()
                .setName(accepted.getName())
                .build());
    client.await(accepted.getName());
    assertThat(reserved()).isZero();
  }

  /** A stream that announces a batch of so many rows and sends one number of it. */
  private static StreamObserver<EncodeActivationsRequest> begin(
      SaeClient.Call<EncodeActivationsResponse> call, int rows) {
    StreamObserver<EncodeActivationsRequest> requests = client.async().encodeActivations(call);
    requests.onNext(
        EncodeActivationsRequest.newBuilder()
            .setHeader(DictionaryHeader.newBuilder().setDictionary("dictionaries/wide"))
            .build());
    requests.onNext(
        EncodeActivationsRequest.newBuilder()
            .setActivations(
                TensorChunk.newBuilder()
                    .setLayout(
                        TensorLayout.newBuilder()
                            .setDtype(DType.DTYPE_F32)
                            .addAxes(Axis.newBuilder().setName("row").setSize(rows))
                            .addAxes(Axis.newBuilder().setName("d").setSize(TinyInference.D_MODEL)))
                    .setData(ByteString.copyFrom(new byte[4])))
            .build());
    return requests;
  }

  private static void awaitReserved(double least, double most) {
    while (reserved() < least || reserved() > most) {
      SaeClient.pause();
    }
  }

  @Test
  void streamsThatAnnounceMuchAndSendLittleEndWithWhatIsWrong() {
    SaeClient.Call<EncodeActivationsResponse> first = new SaeClient.Call<>();
    StreamObserver<EncodeActivationsRequest> open = begin(first, 200_000);
    awaitReserved(40 << 20, MEMORY);
    List<SaeClient.Call<EncodeActivationsResponse>> others = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      SaeClient.Call<EncodeActivationsResponse> other = new SaeClient.Call<>();
      others.add(other);
      begin(other, 200_000);
    }
    for (SaeClient.Call<EncodeActivationsResponse> other : others) {
      assertThatThrownBy(other::all)
          .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.OUT_OF_BUDGET))
          .satisfies(e -> assertThat(LoupeErrors.passes(e)).isTrue())
          .hasMessageContaining("rows in a batch");
    }
    open.onError(Status.CANCELLED.asRuntimeException());
    awaitReserved(0, 0);
    SaeClient.Call<EncodeActivationsResponse> never = new SaeClient.Call<>();
    begin(never, 450_000);
    assertThatThrownBy(never::all)
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.OUT_OF_BUDGET))
        .satisfies(e -> assertThat(LoupeErrors.passes(e)).isFalse())
        .hasMessageContaining("rows in a batch");
    awaitReserved(0, 0);
  }
}
