package dev.loupe.standalone.client;

import com.google.protobuf.UnsafeByteOperations;
import dev.loupe.proto.sae.v1.DictionaryHeader;
import dev.loupe.proto.sae.v1.EncodeActivationsRequest;
import dev.loupe.proto.sae.v1.EncodeActivationsResponse;
import dev.loupe.proto.sae.v1.SaeServiceGrpc;
import dev.loupe.proto.sae.v1.SparseRows;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.proto.tensor.v1.TensorLayout;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;

/** Encodes batches of activations with one dictionary, one batch at a time. */
public final class EncodeStream implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 20;

  private final StreamObserver<EncodeActivationsRequest> requests;
  private final Responses responses = new Responses();
  private boolean failed;

  EncodeStream(Channel channel, String dictionary) {
    requests = SaeServiceGrpc.newStub(channel).encodeActivations(responses);
    requests.onNext(
        EncodeActivationsRequest.newBuilder()
            .setHeader(DictionaryHeader.newBuilder().setDictionary(dictionary))
            .build());
  }

  /**
   * The active features of each activation.
   *
   * @param activations row-major, [rows, width]
   * @throws io.grpc.StatusRuntimeException if the service refuses them
   */
  public SparseFeatures encode(float[] activations, int width) {
    CompletableFuture<SparseFeatures> answer = new CompletableFuture<>();
    responses.pending.set(answer);
    ByteBuffer bytes =
        ByteBuffer.allocate(activations.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(activations);
    for (int offset = 0; offset < bytes.capacity(); offset += CHUNK_BYTES) {
      int length = Math.min(CHUNK_BYTES, bytes.capacity() - offset);
      TensorChunk.Builder chunk =
          TensorChunk.newBuilder()
              .setOffset(offset)
              .setData(UnsafeByteOperations.unsafeWrap(bytes.slice(offset, length)));
      if (offset == 0) {
        chunk.setLayout(layout(activations.length / width, width));
      }
      requests.onNext(EncodeActivationsRequest.newBuilder().setActivations(chunk).build());
    }
    try {
      return Waiting.await(answer);
    } catch (RuntimeException e) {
      failed = true;
      throw e;
    }
  }

  @Override
  public void close() {
    if (!failed) {
      requests.onCompleted();
    }
  }

  private static TensorLayout layout(int rows, int width) {
    return TensorLayout.newBuilder()
        .setDtype(DType.DTYPE_F32)
        .addAxes(Axis.newBuilder().setName("row").setSize(rows))
        .addAxes(Axis.newBuilder().setName("d_in").setSize(width))
        .build();
  }

  /** Collects a batch's messages until its last. */
  private static final class Responses implements StreamObserver<EncodeActivationsResponse> {
    private final AtomicReference<CompletableFuture<SparseFeatures>> pending =
        new AtomicReference<>(new CompletableFuture<>());
    private final List<SparseRows> received = new ArrayList<>();

    @Override
    public void onNext(EncodeActivationsResponse response) {
      received.add(response.getFeatures());
      if (response.getBatchDone()) {
        SparseFeatures whole = join(received);
        received.clear();
        pending.get().complete(whole);
      }
    }

    @Override
    public void onError(Throwable error) {
      pending.get().completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      pending.get().completeExceptionally(new IllegalStateException("the stream was ended"));
    }

    private static SparseFeatures join(List<SparseRows> parts) {
      int rows = parts.stream().mapToInt(part -> part.getOffsetsCount() - 1).sum();
      int active = parts.stream().mapToInt(SparseRows::getIndicesCount).sum();
      int[] offsets = new int[rows + 1];
      int[] indices = new int[active];
      float[] values = new float[active];
      int row = 0;
      int filled = 0;
      for (SparseRows part : parts) {
        for (int i = 1; i < part.getOffsetsCount(); i++) {
          row++;
          offsets[row] = filled + part.getOffsets(i);
        }
        for (int i = 0; i < part.getIndicesCount(); i++) {
          indices[filled + i] = part.getIndices(i);
          values[filled + i] = part.getValues(i);
        }
        filled += part.getIndicesCount();
      }
      return new SparseFeatures(offsets, indices, values);
    }
  }
}
