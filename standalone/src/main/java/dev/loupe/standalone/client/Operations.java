package dev.loupe.standalone.client;

import com.google.longrunning.GetOperationRequest;
import com.google.longrunning.Operation;
import com.google.longrunning.OperationsGrpc;
import com.google.longrunning.OperationsGrpc.OperationsBlockingStub;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.loupe.proto.sae.v1.CorpusProgress;
import io.grpc.Channel;
import io.grpc.protobuf.StatusProto;
import java.util.concurrent.TimeUnit;

/** Follows long-running operations to their end. */
final class Operations {
  private static final long POLL_MILLIS = 200;
  private static final long DEADLINE_SECONDS = 30;

  private final OperationsBlockingStub stub;

  Operations(Channel channel) {
    this.stub = OperationsGrpc.newBlockingStub(channel);
  }

  /**
   * Waits for an operation's response.
   *
   * @throws io.grpc.StatusRuntimeException with the operation's own error if it failed
   */
  <T extends Message> T await(Operation operation, Class<T> response, Progress progress) {
    Operation latest = operation;
    while (!latest.getDone()) {
      report(latest, progress);
      Waiting.pause(POLL_MILLIS);
      latest = get(operation.getName());
    }
    if (latest.hasError()) {
      throw StatusProto.toStatusRuntimeException(latest.getError());
    }
    return unpack(latest.getResponse(), response);
  }

  private Operation get(String name) {
    return stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
        .getOperation(GetOperationRequest.newBuilder().setName(name).build());
  }

  private static void report(Operation operation, Progress progress) {
    if (operation.getMetadata().is(CorpusProgress.class)) {
      CorpusProgress at = unpack(operation.getMetadata(), CorpusProgress.class);
      progress.at(at.getRows(), at.getTotalRows());
    }
  }

  private static <T extends Message> T unpack(Any any, Class<T> type) {
    try {
      return any.unpack(type);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("an operation holds " + any.getTypeUrl(), e);
    }
  }
}
