package dev.loupe.testkit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.longrunning.GetOperationRequest;
import com.google.longrunning.Operation;
import com.google.longrunning.OperationsGrpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class GrpcServerExtensionTest {
  private static final AtomicInteger MADE = new AtomicInteger();
  private static ManagedChannel last;

  @RegisterExtension
  static final GrpcServerExtension SHARED =
      GrpcServerExtension.serving(() -> new Echo("shared", MADE.incrementAndGet()));

  @RegisterExtension
  final GrpcServerExtension own =
      GrpcServerExtension.serving(() -> new Echo("own", MADE.incrementAndGet()))
          .configured(builder -> builder.maxInboundMessageSize(100));

  private static final class Echo extends OperationsGrpc.OperationsImplBase {
    private final String kind;
    private final int number;

    Echo(String kind, int number) {
      this.kind = kind;
      this.number = number;
    }

    @Override
    public void getOperation(GetOperationRequest request, StreamObserver<Operation> responses) {
      responses.onNext(
          Operation.newBuilder().setName(kind + number + ":" + request.getName()).build());
      responses.onCompleted();
    }
  }

  private static String ask(ManagedChannel channel, String name) {
    return OperationsGrpc.newBlockingStub(channel)
        .getOperation(GetOperationRequest.newBuilder().setName(name).build())
        .getName();
  }

  @Test
  void oneServesAllTestsAndOneServesThisTest() {
    assertThat(ask(SHARED.channel(), "a")).isEqualTo("shared1:a");
    assertThat(ask(own.channel(), "a")).matches("own[23]:a");
    assertThat(SHARED.port()).isNotEqualTo(own.port());
    last = own.channel();
  }

  @Test
  void settingsReachTheServer() {
    assertThat(ask(SHARED.channel(), "x".repeat(200))).startsWith("shared1:x");
    assertThatThrownBy(() -> ask(own.channel(), "x".repeat(200)))
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessageContaining("RESOURCE_EXHAUSTED");
  }

  @AfterAll
  static void theServersOfTestsHaveEnded() {
    assertThat(last.isTerminated()).isTrue();
  }
}
