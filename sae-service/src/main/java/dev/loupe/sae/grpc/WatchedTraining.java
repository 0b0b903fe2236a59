package dev.loupe.sae.grpc;

import com.google.longrunning.Operation;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.Status;
import dev.loupe.proto.sae.v1.TrainingProgress;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.operations.OperationWatch;
import dev.loupe.server.streams.WatchingCalls;
import java.time.Duration;
import java.util.Optional;

/** The progress of a training operation, and then the error that it ended with, if it did. */
final class WatchedTraining implements WatchingCalls.Followed<TrainingProgress> {
  private final OperationWatch watch;
  private Status error;

  WatchedTraining(OperationWatch watch) {
    this.watch = watch;
  }

  @Override
  public Optional<TrainingProgress> next() {
    if (error != null) {
      throw LoupeErrors.fromRpcStatus(error);
    }
    Optional<Operation> latest = watch.next(Duration.ZERO);
    latest.filter(Operation::hasError).ifPresent(failed -> error = failed.getError());
    return latest.map(WatchedTraining::progress);
  }

  private static TrainingProgress progress(Operation operation) {
    try {
      if (operation.getMetadata().is(TrainingProgress.class)) {
        return operation.getMetadata().unpack(TrainingProgress.class);
      }
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("stored progress cannot be read", e);
    }
    throw LoupeException.invalidValue(
        "operation", operation.getName(), "an operation of TrainDictionary");
  }

  @Override
  public boolean isFinished() {
    return watch.isFinished() && error == null;
  }

  @Override
  public void close() {
    watch.close();
  }
}
