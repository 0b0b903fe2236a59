package dev.loupe.testkit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.longrunning.GetOperationRequest;
import com.google.longrunning.OperationsGrpc;
import io.grpc.ManagedChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class ChannelParameterTest {
  @RegisterExtension
  final GrpcServerExtension grpc =
      GrpcServerExtension.serving(() -> new OperationsGrpc.OperationsImplBase() {});

  @Test
  void aTestMethodIsGivenTheChannel(ManagedChannel channel) {
    assertThat(channel).isSameAs(grpc.channel());
    assertThatThrownBy(
            () ->
                OperationsGrpc.newBlockingStub(channel)
                    .getOperation(GetOperationRequest.getDefaultInstance()))
        .hasMessageContaining("UNIMPLEMENTED");
  }
}
