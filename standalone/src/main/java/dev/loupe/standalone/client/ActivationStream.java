package dev.loupe.standalone.client;

import com.google.common.collect.Lists;
import dev.loupe.proto.inference.v1.ActivationChunk;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenBatch;
import io.grpc.Channel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Reads activations of many rows at the reader's pace: a message is asked for only when the one
 * before has been dealt with, and only {@value #AHEAD} batches are under way at once.
 */
public final class ActivationStream {
  private static final int AHEAD = 3;

  private final Channel channel;
  private final String model;

  ActivationStream(Channel channel, String model) {
    this.channel = channel;
    this.model = model;
  }

  /**
   * Runs rows of token ids and hands each hook point's value over, batch by batch.
   *
   * @param hookPoints exact names
   * @param rows the rows
   * @param batchRows rows to run together, 1 to 256
   * @param reader called in order of the batches, on one thread at a time
   * @throws io.grpc.StatusRuntimeException if the service refuses or breaks off
   */
  public void read(
      List<String> hookPoints, List<int[]> rows, int batchRows, Consumer<ActivationBatch> reader) {
    Reader call = new Reader(hookPoints, Lists.partition(rows, batchRows), reader);
    InferenceServiceGrpc.newStub(channel).streamActivations(call);
    Waiting.await(call.finished);
  }

  private final class Reader
      implements ClientResponseObserver<StreamActivationsRequest, StreamActivationsResponse> {
    private final CompletableFuture<Void> finished = new CompletableFuture<>();
    private final List<String> hookPoints;
    private final List<List<int[]>> batches;
    private final Consumer<ActivationBatch> reader;
    private final ChunkAssembler assembler = new ChunkAssembler();
    private ClientCallStreamObserver<StreamActivationsRequest> requests;
    private int sent;
    private int done;

    Reader(List<String> hookPoints, List<List<int[]>> batches, Consumer<ActivationBatch> reader) {
      this.hookPoints = hookPoints;
      this.batches = batches;
      this.reader = reader;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<StreamActivationsRequest> stream) {
      requests = stream;
      stream.disableAutoRequestWithInitial(1);
      stream.setOnReadyHandler(this::open);
    }

    private void open() {
      if (sent == 0) {
        StreamActivationsHeader.Builder header =
            StreamActivationsHeader.newBuilder().setModel(model);
        hookPoints.forEach(h -> header.addCaptures(Capture.newBuilder().setHookPoint(h)));
        requests.onNext(StreamActivationsRequest.newBuilder().setHeader(header).build());
        for (int i = 0; i < AHEAD; i++) {
          sendNext();
        }
      }
    }

    private void sendNext() {
      if (sent < batches.size()) {
        TokenBatch.Builder batch = TokenBatch.newBuilder().setBatchId(sent);
        batches.get(sent).forEach(row -> batch.addRows(ModelClient.tokenRow(row)));
        requests.onNext(StreamActivationsRequest.newBuilder().setBatch(batch).build());
        sent++;
        if (sent == batches.size()) {
          requests.onCompleted();
        }
      }
    }

    @Override
    public void onNext(StreamActivationsResponse response) {
      try {
        if (response.hasDone()) {
          done++;
          sendNext();
        } else {
          accept(response.getChunk());
        }
        requests.request(1);
      } catch (RuntimeException e) {
        finished.completeExceptionally(e);
        requests.cancel("the reader failed", e);
      }
    }

    private void accept(ActivationChunk chunk) {
      if (assembler.add(chunk.getChunk())) {
        int width = assembler.sizeFromEnd(1);
        int positions = assembler.sizeFromEnd(2);
        reader.accept(
            new ActivationBatch(done, chunk.getHookPoint(), assembler.take(), positions, width));
      }
    }

    @Override
    public void onError(Throwable error) {
      finished.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      if (done == batches.size()) {
        finished.complete(null);
      } else {
        finished.completeExceptionally(
            new IllegalStateException(
                "the stream ended after " + done + " of " + batches.size() + " batches"));
      }
    }
  }
}
