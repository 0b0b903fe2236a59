package dev.loupe.server.errors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.BytesValue;
import dev.loupe.server.Channels;
import dev.loupe.server.GrpcServer;
import dev.loupe.server.testing.BidiClient;
import dev.loupe.server.testing.BytesService;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ErrorInterceptorTest {
  private final BytesService service = new BytesService();
  private final GrpcServer server = GrpcServer.builder().service(service).start();
  private final ManagedChannel channel = Channels.plaintext("127.0.0.1:" + server.port());

  @AfterEach
  void close() {
    Channels.close(channel);
    server.close();
  }

  @Test
  void aThrownErrorCarriesItsReasonMessageAndMetadata() {
    StatusRuntimeException error =
        failing(
            (request, responses) -> {
              throw LoupeException.invalidValue("top_k", 0, "1 to 100").with("most", 100);
            });
    assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(error.getStatus().getDescription()).isEqualTo("top_k is 0; give 1 to 100");
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.INVALID_VALUE);
    assertThat(LoupeErrors.metadata(error))
        .containsEntry("field", "top_k")
        .containsEntry("most", "100");
  }

  @Test
  void aFullQueueSaysWhenToTryAgainAndOtherErrorsOnlyWhenTold() {
    StatusRuntimeException full =
        failing(
            (request, responses) -> {
              throw LoupeException.of(ErrorReason.QUEUE_FULL, "3 wait already").with("limit", 3);
            });
    assertThat(LoupeErrors.retryAfter(full)).hasValue(Duration.ofSeconds(1));
    assertThat(LoupeErrors.metadata(full)).containsEntry("limit", "3");
    LoupeException busy = LoupeException.of(ErrorReason.OUT_OF_BUDGET, "others hold the memory");
    StatusRuntimeException told =
        failing(
            (request, responses) -> {
              throw busy.retryAfter(Duration.ofMillis(2500)).with("bytes", 7);
            });
    assertThat(LoupeErrors.retryAfter(told)).hasValue(Duration.ofMillis(2500));
    assertThat(LoupeErrors.metadata(told)).containsEntry("bytes", "7");
    assertThat(LoupeErrors.retryAfter(busy)).isEmpty();
    assertThat(LoupeErrors.retryAfter(LoupeErrors.toStatusException(busy))).isEmpty();
  }

  @Test
  void aMessageThatNoHeaderHoldsKeepsItsEnds() {
    for (String character : List.of("x", "\u00e9", "\u4e2d", "\ud83d\ude00", "\n")) {
      String value = character.repeat(20_000);
      StatusRuntimeException error =
          failing(
              (request, responses) -> {
                throw LoupeException.of(
                        ErrorReason.INVALID_NAME, "name is " + value + "; give another")
                    .with("field", value);
              });
      assertThat(LoupeErrors.reason(error)).contains(ErrorReason.INVALID_NAME);
      assertThat(error.getStatus().getDescription())
          .startsWith("name is " + character)
          .endsWith("; give another")
          .hasSizeLessThan(600);
      assertThat(LoupeErrors.metadata(error).get("field")).startsWith(character);
    }
  }

  @Test
  void anErrorPassedToOnErrorIsTheSame() {
    StatusRuntimeException error =
        failing(
            (request, responses) ->
                responses.onError(
                    LoupeException.of(ErrorReason.MODEL_NOT_FOUND, "no model a; there is b")));
    assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
    assertThat(error.getStatus().getDescription()).isEqualTo("no model a; there is b");
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.MODEL_NOT_FOUND);
  }

  @Test
  void anErrorThatAnotherServersErrorLedToIsStillItself() {
    StatusRuntimeException cause =
        Status.DATA_LOSS.withDescription("elsewhere").asRuntimeException();
    StatusRuntimeException error =
        failing(
            (request, responses) ->
                responses.onError(
                    LoupeException.of(ErrorReason.INFERENCE_UNAVAILABLE, "inference is away", cause)
                        .with("target", "a")));
    assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.INFERENCE_UNAVAILABLE);
  }

  @Test
  void anErrorOfAnotherServerPassesWithItsDetails() {
    BytesService inner =
        new BytesService()
            .unary(
                (request, responses) -> {
                  throw LoupeException.of(ErrorReason.EMPTY_PROMPT, "prompt is empty")
                      .with("field", "prompt");
                });
    try (GrpcServer other = GrpcServer.builder().service(inner).start()) {
      ManagedChannel toOther = Channels.plaintext("127.0.0.1:" + other.port());
      for (boolean thrown : new boolean[] {true, false}) {
        StatusRuntimeException error =
            failing(
                (request, responses) -> {
                  try {
                    responses.onNext(BytesService.call(toOther, request));
                  } catch (StatusRuntimeException e) {
                    if (thrown) {
                      throw e;
                    }
                    responses.onError(e);
                  }
                });
        assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
        assertThat(LoupeErrors.reason(error)).contains(ErrorReason.EMPTY_PROMPT);
        assertThat(LoupeErrors.metadata(error)).containsEntry("field", "prompt");
      }
      Channels.close(toOther);
    }
  }

  @Test
  void aDefectTellsAnIdAndNothingElse() {
    for (Throwable defect :
        new Throwable[] {new IllegalStateException("a secret"), new OutOfMemoryError("a secret")}) {
      for (boolean thrown : new boolean[] {true, false}) {
        StatusRuntimeException error =
            failing(
                (request, responses) -> {
                  if (thrown) {
                    ErrorInterceptorTest.<RuntimeException>sneak(defect);
                  }
                  responses.onError(defect);
                });
        assertThat(error.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL);
        assertThat(error.getStatus().getDescription()).doesNotContain("secret");
        assertThat(LoupeErrors.reason(error)).contains(ErrorReason.INTERNAL);
        String id = LoupeErrors.metadata(error).get("id");
        assertThat(id).hasSize(8);
        assertThat(error.getStatus().getDescription()).contains(id);
      }
    }
  }

  @Test
  void aStreamThatFailsToStartOrInItsMiddleIsMappedToo() throws Exception {
    service.bidi(
        responses -> {
          throw LoupeException.of(ErrorReason.QUEUE_FULL, "no room");
        });
    assertThat(LoupeErrors.reason(new BidiClient(channel, BytesService.BIDI).end()))
        .contains(ErrorReason.QUEUE_FULL);

    service.bidi(
        responses ->
            new StreamObserver<>() {
              @Override
              public void onNext(BytesValue value) {
                responses.onNext(value);
                throw LoupeException.of(ErrorReason.NOT_FINITE, "element 3 is NaN");
              }

              @Override
              public void onError(Throwable t) {}

              @Override
              public void onCompleted() {}
            });
    BidiClient client = new BidiClient(channel, BytesService.BIDI).send(BytesService.text("a"));
    assertThat(client.read()).isEqualTo(BytesService.text("a"));
    assertThat(LoupeErrors.reason(client.end())).contains(ErrorReason.NOT_FINITE);
  }

  @Test
  void anErrorAfterTheEndOfACallHarmsNothing() {
    service.unary(
        (request, responses) -> {
          responses.onNext(request);
          responses.onCompleted();
          throw new IllegalStateException("too late");
        });
    assertThat(BytesService.call(channel, BytesService.text("a")))
        .isEqualTo(BytesService.text("a"));
    assertThat(BytesService.call(channel, BytesService.text("b")))
        .isEqualTo(BytesService.text("b"));
  }

  private StatusRuntimeException failing(
      BiConsumer<BytesValue, StreamObserver<BytesValue>> method) {
    service.unary(method);
    return catchThrowableOfType(
        StatusRuntimeException.class, () -> BytesService.call(channel, BytesService.text("a")));
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable t) throws T {
    throw (T) t;
  }
}
