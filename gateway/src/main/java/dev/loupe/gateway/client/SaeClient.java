package dev.loupe.gateway.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import dev.loupe.gateway.analysis.Activations;
import dev.loupe.gateway.analysis.Dictionaries;
import dev.loupe.gateway.analysis.DictionaryFacts;
import dev.loupe.gateway.analysis.SparseFeatures;
import dev.loupe.gateway.proxy.Upstream;
import dev.loupe.proto.sae.v1.Dictionary;
import dev.loupe.proto.sae.v1.DictionaryHeader;
import dev.loupe.proto.sae.v1.EncodeActivationsRequest;
import dev.loupe.proto.sae.v1.EncodeActivationsResponse;
import dev.loupe.proto.sae.v1.GetDictionaryRequest;
import dev.loupe.proto.sae.v1.SaeServiceGrpc;
import dev.loupe.proto.sae.v1.SparseRows;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.proto.tensor.v1.TensorLayout;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Describes and applies dictionaries on the sae service. */
public final class SaeClient implements Dictionaries {
  private static final int CHUNK_BYTES = 1 << 20;

  private final Upstream upstream;

  /** Asks this service. */
  public SaeClient(Upstream upstream) {
    this.upstream = upstream;
  }

  @Override
  public DictionaryFacts describe(String dictionary) {
    GetDictionaryRequest request = GetDictionaryRequest.newBuilder().setName(dictionary).build();
    Dictionary found =
        upstream.ask(() -> SaeServiceGrpc.newBlockingStub(upstream.calls()).getDictionary(request));
    return new DictionaryFacts(
        found.getName(),
        found.getModel(),
        found.getModelWeightsSha256(),
        found.getHookPoint(),
        found.getDIn());
  }

  @Override
  public List<SparseFeatures> encode(String dictionary, Activations activations) {
    List<SparseFeatures> rows = new ArrayList<>(activations.rows());
    Exchange<EncodeActivationsRequest, EncodeActivationsResponse> exchange =
        new Exchange<>(
            requests(dictionary, activations), response -> addRows(response.getFeatures(), rows));
    upstream.ask(
        () -> {
          SaeServiceGrpc.newStub(upstream.calls()).encodeActivations(exchange);
          exchange.await();
          return null;
        });
    if (rows.size() != activations.rows()) {
      throw new IllegalStateException(
          upstream.name() + " encoded " + rows.size() + " of " + activations.rows() + " rows");
    }
    return rows;
  }

  private static Iterator<EncodeActivationsRequest> requests(
      String dictionary, Activations activations) {
    EncodeActivationsRequest header =
        EncodeActivationsRequest.newBuilder()
            .setHeader(DictionaryHeader.newBuilder().setDictionary(dictionary))
            .build();
    ByteString bytes = UnsafeByteOperations.unsafeWrap(activations.bytes());
    int chunks = (bytes.size() + CHUNK_BYTES - 1) / CHUNK_BYTES;
    Stream<EncodeActivationsRequest> pieces =
        IntStream.range(0, chunks).mapToObj(i -> piece(activations, bytes, i * CHUNK_BYTES));
    return Stream.concat(Stream.of(header), pieces).iterator();
  }

  private static EncodeActivationsRequest piece(
      Activations activations, ByteString bytes, int offset) {
    TensorChunk.Builder chunk =
        TensorChunk.newBuilder()
            .setOffset(offset)
            .setData(bytes.substring(offset, Math.min(bytes.size(), offset + CHUNK_BYTES)));
    if (offset == 0) {
      chunk.setLayout(
          TensorLayout.newBuilder()
              .setDtype(DType.DTYPE_F32)
              .addAxes(Axis.newBuilder().setName("row").setSize(activations.rows()))
              .addAxes(Axis.newBuilder().setName("d_in").setSize(activations.width())));
    }
    return EncodeActivationsRequest.newBuilder().setActivations(chunk).build();
  }

  private static void addRows(SparseRows sparse, List<SparseFeatures> rows) {
    for (int row = 0; row + 1 < sparse.getOffsetsCount(); row++) {
      int from = sparse.getOffsets(row);
      int to = sparse.getOffsets(row + 1);
      int[] indices = new int[to - from];
      float[] values = new float[to - from];
      for (int i = from; i < to; i++) {
        indices[i - from] = sparse.getIndices(i);
        values[i - from] = sparse.getValues(i);
      }
      rows.add(new SparseFeatures(indices, values));
    }
  }
}
