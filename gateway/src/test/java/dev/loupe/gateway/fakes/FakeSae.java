package dev.loupe.gateway.fakes;

import dev.loupe.proto.sae.v1.Corpus;
import dev.loupe.proto.sae.v1.CreateCorpusRequest;
import dev.loupe.proto.sae.v1.Dictionary;
import dev.loupe.proto.sae.v1.EncodeActivationsRequest;
import dev.loupe.proto.sae.v1.EncodeActivationsResponse;
import dev.loupe.proto.sae.v1.GetDictionaryRequest;
import dev.loupe.proto.sae.v1.SaeServiceGrpc;
import dev.loupe.proto.sae.v1.SparseRows;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.StreamLimits;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A dictionary service without a dictionary: at each activation (id, position, 1, -1) the feature
 * {@code id} fires with 2, feature {@code position} with 1 and feature 1000 with 0.5.
 */
public final class FakeSae extends SaeServiceGrpc.SaeServiceImplBase {
  /** Lets CreateCorpus read on after its header. */
  public volatile CountDownLatch read;

  /** Messages that CreateCorpus has read. */
  public final AtomicLong messagesRead = new AtomicLong();

  private final BlockingCalls calls = new BlockingCalls("fake-sae", 16);

  /** Forgets what happened so far. */
  void reset() {
    messagesRead.set(0);
    read = new CountDownLatch(1);
  }

  @Override
  public void getDictionary(GetDictionaryRequest request, StreamObserver<Dictionary> out) {
    String model =
        switch (request.getName()) {
          case "dictionaries/demo", "dictionaries/wide", "dictionaries/unread" -> "models/demo";
          case "dictionaries/named" -> "models/demo-small";
          case "dictionaries/other", "dictionaries/copied" -> "models/other";
          default ->
              throw LoupeException.of(
                  ErrorReason.DICTIONARY_NOT_FOUND, request.getName() + " does not exist");
        };
    out.onNext(
        Dictionary.newBuilder()
            .setName(request.getName())
            .setModel(model)
            .setModelWeightsSha256(
                request.getName().endsWith("copied") ? FakeInference.WEIGHTS : "")
            .setHookPoint("blocks.2.hook_resid_post")
            .setDIn(request.getName().endsWith("wide") ? 64 : FakeInference.WIDTH)
            .setDSae(2048)
            .build());
    out.onCompleted();
  }

  @Override
  public StreamObserver<EncodeActivationsRequest> encodeActivations(
      StreamObserver<EncodeActivationsResponse> out) {
    return calls.bidi(
        out,
        StreamLimits.DEFAULT,
        (requests, sender) -> {
          requests.next();
          TensorLayout layout = null;
          ByteArrayOutputStream bytes = new ByteArrayOutputStream();
          while (requests.hasNext()) {
            EncodeActivationsRequest piece = requests.next();
            if (piece.getActivations().hasLayout()) {
              layout = piece.getActivations().getLayout();
            }
            piece.getActivations().getData().writeTo(bytes);
          }
          long rows = layout == null ? 0 : layout.getAxes(0).getSize();
          ByteBuffer values = ByteBuffer.wrap(bytes.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
          SparseRows.Builder sparse = SparseRows.newBuilder().addOffsets(0);
          for (int row = 0; row < rows; row++) {
            int id = (int) values.getFloat();
            int position = (int) values.getFloat();
            values.getFloat();
            values.getFloat();
            sparse.addIndices(position).addValues(1);
            sparse.addIndices(id).addValues(2);
            sparse.addIndices(1000).addValues(0.5f);
            sparse.addOffsets(sparse.getIndicesCount());
          }
          sender.send(
              EncodeActivationsResponse.newBuilder()
                  .setFeatures(sparse)
                  .setBatchDone(true)
                  .build());
        });
  }

  @Override
  public StreamObserver<CreateCorpusRequest> createCorpus(StreamObserver<Corpus> out) {
    return calls.clientStream(
        out,
        StreamLimits.DEFAULT,
        requests -> {
          requests.next();
          messagesRead.incrementAndGet();
          if (!read.await(30, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the test never let it read");
          }
          long rows = 0;
          while (requests.hasNext()) {
            rows += requests.next().getRows().getRowsCount();
            messagesRead.incrementAndGet();
          }
          return Corpus.newBuilder().setName("corpora/c").setRows(rows).build();
        });
  }
}
