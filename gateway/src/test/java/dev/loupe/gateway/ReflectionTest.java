package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.gateway.fakes.FakeLoupe;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Tools ask many questions on one reflection stream, and take the answers in order. */
class ReflectionTest {
  private static final List<String> SYMBOLS =
      List.of(
          "loupe.inference.v1.InferenceService",
          "loupe.inference.v1.RunForwardPassRequest",
          "loupe.inference.v1.AttributionService",
          "loupe.inference.v1.PatchingService",
          "loupe.inference.v1.HeadService",
          "loupe.inference.v1.NeuronService",
          "loupe.sae.v1.SaeService",
          "loupe.features.v1.FeatureStoreService",
          "loupe.gateway.v1.GatewayService",
          "grpc.health.v1.Health");

  @RegisterExtension static final FakeLoupe loupe = new FakeLoupe();

  @RepeatedTest(10)
  void everyQuestionHasOneAnswerInItsPlace() throws Exception {
    List<ServerReflectionResponse> answers =
        ask(
            ServerReflectionGrpc.newStub(loupe.channel())::serverReflectionInfo,
            SYMBOLS.stream()
                .map(
                    symbol ->
                        ServerReflectionRequest.newBuilder()
                            .setFileContainingSymbol(symbol)
                            .build())
                .toList());
    assertThat(answers)
        .extracting(answer -> answer.getOriginalRequest().getFileContainingSymbol())
        .containsExactlyElementsOf(SYMBOLS);
    assertThat(answers)
        .allSatisfy(
            answer ->
                assertThat(answer.getFileDescriptorResponse().getFileDescriptorProtoCount())
                    .isPositive());
  }

  @RepeatedTest(10)
  @SuppressWarnings("deprecation") // The old version is served on purpose.
  void forOlderToolsToo() throws Exception {
    List<io.grpc.reflection.v1alpha.ServerReflectionResponse> answers =
        ask(
            io.grpc.reflection.v1alpha.ServerReflectionGrpc.newStub(loupe.channel())
                ::serverReflectionInfo,
            SYMBOLS.stream()
                .map(
                    symbol ->
                        io.grpc.reflection.v1alpha.ServerReflectionRequest.newBuilder()
                            .setFileContainingSymbol(symbol)
                            .build())
                .toList());
    assertThat(answers)
        .extracting(answer -> answer.getOriginalRequest().getFileContainingSymbol())
        .containsExactlyElementsOf(SYMBOLS);
  }

  /** Asks one question after another, each when the one before is answered, as grpcurl does. */
  private static <Q, R> List<R> ask(
      Function<StreamObserver<R>, StreamObserver<Q>> call, List<Q> questions) throws Exception {
    CompletableFuture<List<R>> answers = new CompletableFuture<>();
    Iterator<Q> next = questions.iterator();
    CompletableFuture<StreamObserver<Q>> requests = new CompletableFuture<>();
    requests.complete(
        call.apply(
            new StreamObserver<>() {
              private final List<R> received = new ArrayList<>();

              @Override
              public void onNext(R response) {
                received.add(response);
                askNext(next, requests.join());
              }

              @Override
              public void onError(Throwable error) {
                answers.completeExceptionally(error);
              }

              @Override
              public void onCompleted() {
                answers.complete(received);
              }
            }));
    askNext(next, requests.join());
    return answers.get(20, TimeUnit.SECONDS);
  }

  private static <Q> void askNext(Iterator<Q> questions, StreamObserver<Q> requests) {
    if (questions.hasNext()) {
      requests.onNext(questions.next());
      if (!questions.hasNext()) {
        requests.onCompleted();
      }
    }
  }
}
