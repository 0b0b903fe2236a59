package dev.loupe.gateway.fakes;

import com.google.protobuf.ByteString;
import dev.loupe.proto.inference.v1.ActivationChunk;
import dev.loupe.proto.inference.v1.BatchDone;
import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.ListModelsResponse;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.proto.inference.v1.Prediction;
import dev.loupe.proto.inference.v1.RowResult;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.proto.inference.v1.TokenScore;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.proto.inference.v1.TokenizeResponse;
import dev.loupe.proto.inference.v1.TokenizedText;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.StreamLimits;
import dev.loupe.server.streams.StreamSender;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An inference service without a model. A token is a character, its id the character's code, and
 * its activation, of width 4, is (id, position, 1, -1).
 */
public final class FakeInference extends InferenceServiceGrpc.InferenceServiceImplBase {
  /** Width of the activations. */
  public static final int WIDTH = 4;

  /** Bytes of each chunk of {@code models/endless}. */
  public static final int CHUNK = 256 << 10;

  /** Chunks that {@code models/endless} has sent. */
  public final AtomicLong chunksSent = new AtomicLong();

  /** Opens when a call to {@code models/endless} or {@code models/slow} was cancelled. */
  public volatile CountDownLatch cancelled = new CountDownLatch(1);

  /** Calls of StreamActivations so far. */
  public final AtomicLong streams = new AtomicLong();

  private final BlockingCalls calls = new BlockingCalls("fake-inference", 16);

  /** Forgets what happened so far. */
  void reset() {
    chunksSent.set(0);
    streams.set(0);
    cancelled = new CountDownLatch(1);
  }

  @Override
  public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> out) {
    out.onNext(
        ListModelsResponse.newBuilder()
            .addModels(Model.newBuilder().setName("models/demo").setLayers(4).setDModel(WIDTH))
            .build());
    out.onCompleted();
  }

  /** Of the one model's weights. */
  static final String WEIGHTS = "feed";

  @Override
  public void getModel(GetModelRequest request, StreamObserver<Model> out) {
    if (request.getName().equals("models/slow")) {
      Context.current().addListener(context -> cancelled.countDown(), Runnable::run);
      return;
    }
    // One model under two names, as a well-known one has them.
    if (!Set.of("models/demo", "models/demo-small").contains(request.getName())) {
      throw LoupeException.of(
              ErrorReason.MODEL_NOT_FOUND, request.getName() + " is not loaded; there is demo")
          .with("loaded", "models/demo");
    }
    Model.Builder model = Model.newBuilder().setName("models/demo").setParameters(3_000_000_000L);
    model.setWeightsSha256(WEIGHTS);
    // What the service saw of the call comes back in a field, for the tests to look at.
    model.setDevice(CallFacts.current());
    out.onNext(model.build());
    out.onCompleted();
  }

  @Override
  public void tokenize(TokenizeRequest request, StreamObserver<TokenizeResponse> out) {
    requireDemo(request.getModel());
    TokenizeResponse.Builder response = TokenizeResponse.newBuilder();
    for (String text : request.getTextsList()) {
      TokenizedText.Builder row = response.addTextsBuilder();
      if (!request.getOmitBos()) {
        row.setBosPrepended(true).addIds(0).addTokens("<bos>").addByteEnds(0);
      }
      text.chars().forEach(c -> row.addIds(c).addTokens(String.valueOf((char) c)));
    }
    out.onNext(response.build());
    out.onCompleted();
  }

  @Override
  public void runForwardPass(
      RunForwardPassRequest request, StreamObserver<RunForwardPassResponse> out) {
    requireDemo(request.getModel());
    List<Integer> ids = request.getPrompts(0).getTokens().getIdsList();
    RowResult.Builder row = RowResult.newBuilder().addAllIds(ids);
    ids.forEach(id -> row.addTokens(id == 0 ? "<bos>" : Character.toString(id)));
    Prediction.Builder prediction = row.addPredictionsBuilder().setPosition(ids.size() - 1);
    for (int i = 0; i < request.getTopK(); i++) {
      prediction.addTop(
          TokenScore.newBuilder().setId(i).setToken("t" + i).setLogit(-i).setProbability(0.5f));
    }
    RunForwardPassResponse.Builder response = RunForwardPassResponse.newBuilder().addRows(row);
    request
        .getCapturesList()
        .forEach(
            capture ->
                response.addActivations(
                    CapturedActivation.newBuilder()
                        .setHookPoint(capture.getHookPoint())
                        .setValue(value(ids, capture.getDtype()))));
    // What is given to be patched in comes back as it is.
    request
        .getInterventionsList()
        .forEach(
            edit ->
                response.addActivations(
                    CapturedActivation.newBuilder()
                        .setHookPoint(edit.getHookPoint())
                        .setValue(edit.getPatch().getValue())));
    out.onNext(response.build());
    out.onCompleted();
  }

  @Override
  public StreamObserver<StreamActivationsRequest> streamActivations(
      StreamObserver<StreamActivationsResponse> out) {
    streams.incrementAndGet();
    return calls.bidi(
        out,
        StreamLimits.DEFAULT,
        (requests, sender) -> {
          String model = requests.next().getHeader().getModel();
          if (model.equals("models/endless")) {
            Context.current().addListener(context -> cancelled.countDown(), Runnable::run);
            ByteString data = ByteString.copyFrom(new byte[CHUNK]);
            while (true) {
              sender.send(
                  chunk(
                      TensorChunk.newBuilder().setOffset(chunksSent.get() * CHUNK).setData(data)));
              chunksSent.incrementAndGet();
            }
          }
          while (requests.hasNext()) {
            TokenBatch batch = requests.next().getBatch();
            List<Integer> ids = batch.getRows(0).getIdsList();
            sender.send(
                chunk(TensorChunk.newBuilder().setLayout(layout(ids)).setData(activations(ids))));
            sender.send(
                StreamActivationsResponse.newBuilder()
                    .setDone(BatchDone.newBuilder().setTokens(ids.size()))
                    .build());
          }
        });
  }

  @Override
  public void generateText(GenerateTextRequest request, StreamObserver<GenerateTextResponse> out) {
    if (request.getModel().equals("models/endless")) {
      calls.serverStream(out, StreamLimits.DEFAULT, this::generateWithoutEnd);
      return;
    }
    if (!request.getModel().isEmpty()) {
      requireDemo(request.getModel());
    }
    for (int i = 0; i < request.getMaxNewTokens(); i++) {
      out.onNext(GenerateTextResponse.newBuilder().setId(i).setText("t" + i).build());
    }
    if (request.getSeed() == 13) {
      throw LoupeException.of(ErrorReason.OUT_OF_BUDGET, "the rest does not fit").with("fits", 3);
    }
    out.onCompleted();
  }

  private void generateWithoutEnd(StreamSender<GenerateTextResponse> sender) {
    Context.current().addListener(context -> cancelled.countDown(), Runnable::run);
    String text = "x".repeat(CHUNK);
    while (true) {
      sender.send(
          GenerateTextResponse.newBuilder().setId((int) chunksSent.get()).setText(text).build());
      chunksSent.incrementAndGet();
    }
  }

  private static void requireDemo(String model) {
    if (!model.equals("models/demo")) {
      throw LoupeException.of(ErrorReason.MODEL_NOT_FOUND, model + " is not loaded");
    }
  }

  private static StreamActivationsResponse chunk(TensorChunk.Builder chunk) {
    return StreamActivationsResponse.newBuilder()
        .setChunk(ActivationChunk.newBuilder().setHookPoint("h").setChunk(chunk))
        .build();
  }

  private static TensorLayout layout(List<Integer> ids) {
    return TensorLayout.newBuilder()
        .setDtype(DType.DTYPE_F32)
        .addAxes(Axis.newBuilder().setName("batch").setSize(1))
        .addAxes(Axis.newBuilder().setName("pos").setSize(ids.size()))
        .addAxes(Axis.newBuilder().setName("d_model").setSize(WIDTH))
        .build();
  }

  /** The activations in the type that was asked for. */
  public static Tensor value(List<Integer> ids, DType dtype) {
    ByteString wide = activations(ids);
    TensorLayout.Builder layout = layout(ids).toBuilder();
    if (dtype != DType.DTYPE_F16 && dtype != DType.DTYPE_BF16) {
      return Tensor.newBuilder().setLayout(layout).setData(wide).build();
    }
    ByteBuffer narrow = ByteBuffer.allocate(wide.size() / 2).order(ByteOrder.LITTLE_ENDIAN);
    IntBuffer bits = wide.asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
    while (bits.hasRemaining()) {
      int value = bits.get();
      narrow.putShort(dtype == DType.DTYPE_BF16 ? (short) (value >>> 16) : half(value));
    }
    return Tensor.newBuilder()
        .setLayout(layout.setDtype(dtype))
        .setData(ByteString.copyFrom(narrow.flip()))
        .build();
  }

  /** The binary16 of a binary32 that is 0 or a whole number of at most 11 bits. */
  private static short half(int bits) {
    int magnitude = bits & 0x7fffffff;
    int rebiased = magnitude == 0 ? 0 : (magnitude >>> 13) - ((127 - 15) << 10);
    return (short) (bits >>> 16 & 0x8000 | rebiased);
  }

  private static ByteString activations(List<Integer> ids) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * WIDTH * ids.size()).order(ByteOrder.LITTLE_ENDIAN);
    for (int position = 0; position < ids.size(); position++) {
      bytes.putFloat(ids.get(position)).putFloat(position).putFloat(1).putFloat(-1);
    }
    return ByteString.copyFrom(bytes.flip());
  }
}
