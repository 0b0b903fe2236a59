package dev.loupe.gateway.fakes;

import com.google.longrunning.GetOperationRequest;
import com.google.longrunning.Operation;
import com.google.longrunning.OperationsGrpc;
import com.google.protobuf.Any;
import dev.loupe.proto.sae.v1.Dictionary;
import dev.loupe.proto.sae.v1.TrainingProgress;
import io.grpc.stub.StreamObserver;

/** One operation that is done. */
public final class FakeOperations extends OperationsGrpc.OperationsImplBase {
  @Override
  public void getOperation(GetOperationRequest request, StreamObserver<Operation> out) {
    out.onNext(
        Operation.newBuilder()
            .setName(request.getName())
            .setDone(true)
            .setMetadata(Any.pack(TrainingProgress.newBuilder().setStep(7).build()))
            .setResponse(
                Any.pack(Dictionary.newBuilder().setName("dictionaries/demo").setDIn(4).build()))
            .build());
    out.onCompleted();
  }
}
