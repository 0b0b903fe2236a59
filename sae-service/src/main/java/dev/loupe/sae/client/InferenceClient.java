package dev.loupe.sae.client;

import dev.loupe.proto.inference.v1.DetokenizeRequest;
import dev.loupe.proto.inference.v1.DetokenizeResponse;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.HookPoint;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceBlockingStub;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceStub;
import dev.loupe.proto.inference.v1.ListHookPointsRequest;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.ListModelsResponse;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc.NeuronServiceBlockingStub;
import dev.loupe.proto.inference.v1.ProjectToVocabularyRequest;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.RowResult;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.TokenLogit;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.proto.inference.v1.VocabularyProjection;
import dev.loupe.sae.corpus.ActivationFeed;
import dev.loupe.sae.corpus.ActivationSource;
import dev.loupe.sae.corpus.HookPointInfo;
import dev.loupe.sae.corpus.ModelInfo;
import dev.loupe.sae.corpus.TokenBatch;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.evaluation.SplicedModel;
import dev.loupe.sae.publishing.TokenEffect;
import dev.loupe.sae.publishing.TokenExtremes;
import dev.loupe.sae.publishing.Vocabulary;
import dev.loupe.sae.publishing.VocabularyToken;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * The inference service as this one uses it. While it is away, calls wait and try again for as long
 * as the patience lasts, then fail with INFERENCE_UNAVAILABLE.
 */
public final class InferenceClient implements ActivationSource, SplicedModel, Vocabulary {
  private static final int MAX_IDS = 65_536;
  private static final int MAX_DIRECTION_BYTES = 1 << 20;
  private static final long CALL_SECONDS = 120;

  private final ManagedChannel channel;
  private final InferenceServiceBlockingStub blocking;
  private final InferenceServiceStub async;
  private final NeuronServiceBlockingStub neurons;
  private final Patience patience;
  private final Runnable stop;

  /** A client over a channel that its caller closes. */
  public InferenceClient(ManagedChannel channel, Patience patience) {
    this(channel, patience, () -> {});
  }

  private InferenceClient(ManagedChannel channel, Patience patience, Runnable stop) {
    this.channel = channel;
    this.blocking = InferenceServiceGrpc.newBlockingStub(channel);
    this.async = InferenceServiceGrpc.newStub(channel);
    this.neurons = NeuronServiceGrpc.newBlockingStub(channel);
    this.patience = patience;
    this.stop = stop;
  }

  /** The same client, whose waiting ends when {@code stop} throws. */
  public InferenceClient stoppedBy(Runnable newStop) {
    return new InferenceClient(channel, patience, newStop);
  }

  /** The same client with little patience, for calls whose caller waits. */
  public InferenceClient brief() {
    return new InferenceClient(channel, Patience.BRIEF, stop);
  }

  /**
   * Describes a model, by its id or another name that everybody knows it under.
   *
   * @throws dev.loupe.server.errors.LoupeException INFERENCE_UNAVAILABLE
   * @throws io.grpc.StatusRuntimeException MODEL_NOT_FOUND as the inference service says it
   */
  public ModelInfo model(String id) {
    Model model =
        patiently(
            stub -> stub.getModel(GetModelRequest.newBuilder().setName("models/" + id).build()));
    return describe(model);
  }

  /**
   * The served model that goes by a name, or where none does, one with these weights under another.
   *
   * @param weightsSha256 empty when not known
   * @throws io.grpc.StatusRuntimeException MODEL_NOT_FOUND when there is neither
   */
  public ModelInfo model(String id, String weightsSha256) {
    try {
      return model(id);
    } catch (StatusRuntimeException e) {
      if (weightsSha256.isEmpty()
          || !LoupeErrors.reason(e).equals(Optional.of(ErrorReason.MODEL_NOT_FOUND))) {
        throw e;
      }
      return models().stream()
          .filter(model -> model.weightsSha256().equals(weightsSha256))
          .findFirst()
          .orElseThrow(() -> e);
    }
  }

  private List<ModelInfo> models() {
    List<ModelInfo> all = new ArrayList<>();
    String place = "";
    do {
      ListModelsRequest request = ListModelsRequest.newBuilder().setPageToken(place).build();
      ListModelsResponse page = patiently(stub -> stub.listModels(request));
      page.getModelsList().forEach(model -> all.add(describe(model)));
      place = page.getNextPageToken();
    } while (!place.isEmpty());
    return all;
  }

  private static ModelInfo describe(Model model) {
    return new ModelInfo(
        model.getName().substring(model.getName().indexOf('/') + 1),
        model.getVocabularySize(),
        model.getContextSize(),
        model.getDModel(),
        model.getBosToken(),
        model.getWeightsSha256());
  }

  /**
   * Describes a hook point, by any of its names. Throws as {@link #model} does, and
   * UNKNOWN_HOOK_POINT with the nearest names.
   */
  public HookPointInfo hookPoint(String model, String name) {
    List<HookPoint> points =
        patiently(
                stub ->
                    stub.listHookPoints(
                        ListHookPointsRequest.newBuilder().setModel("models/" + model).build()))
            .getHookPointsList();
    for (HookPoint point : points) {
      if (point.getName().equals(name) || point.getAliasesList().contains(name)) {
        return describe(point);
      }
    }
    throw UnknownHookPoint.of(name, points.stream().map(HookPoint::getName).toList());
  }

  private static HookPointInfo describe(HookPoint point) {
    boolean perPosition =
        point.getAxesCount() >= 3
            && point.getAxes(0).equals("batch")
            && point.getAxes(1).equals("pos");
    long width = perPosition ? 1 : 0;
    for (int i = 2; perPosition && i < point.getSizesCount(); i++) {
      width *= point.getSizes(i);
    }
    return new HookPointInfo(
        point.getName(), point.getAxes(point.getAxesCount() - 1), Math.toIntExact(width));
  }

  @Override
  public ActivationFeed open(
      String model, String hookPoint, Iterator<TokenBatch> batches, Runnable whileWaiting) {
    return new StreamedFeed(channel, model, hookPoint, batches, patience, whileWaiting);
  }

  @Override
  public List<float[]> losses(String model, TokenBatch batch) {
    return tokenLosses(patiently(stub -> stub.runForwardPass(lossPass(model, batch))));
  }

  @Override
  public List<float[]> splicedLosses(
      String model, TokenBatch batch, String hookPoint, UnaryOperator<FloatRows> replace) {
    return tokenLosses(
        repeated(
            () ->
                SplicedCall.run(
                    async.withDeadlineAfter(2 * CALL_SECONDS, TimeUnit.SECONDS),
                    lossPass(model, batch),
                    hookPoint,
                    array ->
                        ActivationLayout.replaced(
                            batch, array, replace.apply(ActivationLayout.rows(batch, array))))));
  }

  @Override
  public List<VocabularyToken> tokens(String model, int[] ids) {
    List<VocabularyToken> tokens = new ArrayList<>(ids.length);
    for (int first = 0; first < ids.length; first += MAX_IDS) {
      DetokenizeRequest.Builder request =
          DetokenizeRequest.newBuilder().setModel("models/" + model);
      Arrays.stream(ids, first, Math.min(ids.length, first + MAX_IDS)).forEach(request::addIds);
      DetokenizeResponse response = patiently(stub -> stub.detokenize(request.build()));
      for (int i = 0; i < response.getTokensCount(); i++) {
        tokens.add(
            new VocabularyToken(response.getTokens(i), response.getTokenBytes(i).toByteArray()));
      }
    }
    return tokens;
  }

  @Override
  public List<TokenExtremes> project(
      String model, FloatRows directions, int count, boolean throughFinalNorm) {
    int perCall = Math.max(1, MAX_DIRECTION_BYTES / Float.BYTES / directions.width());
    List<TokenExtremes> effects = new ArrayList<>();
    for (int first = 0; first < directions.rows(); first += perCall) {
      FloatRows part = directions.slice(first, Math.min(perCall, directions.rows() - first));
      LabelledTensor tensor =
          new LabelledTensor(
              HostTensor.ofFloats(part.values(), part.rows(), part.width()),
              List.of("row", "d_model"));
      ProjectToVocabularyRequest request =
          ProjectToVocabularyRequest.newBuilder()
              .setModel("models/" + model)
              .setDirections(TensorMessages.toMessage(tensor))
              .setTopK(count)
              .setThroughFinalNorm(throughFinalNorm)
              .build();
      for (VocabularyProjection projection :
          repeated(() -> neurons().projectToVocabulary(request)).getProjectionsList()) {
        effects.add(
            new TokenExtremes(
                effects(projection.getTopList()), effects(projection.getBottomList())));
      }
    }
    return effects;
  }

  private static List<TokenEffect> effects(List<TokenLogit> logits) {
    return logits.stream()
        .map(logit -> new TokenEffect(logit.getId(), logit.getToken(), logit.getLogit()))
        .toList();
  }

  private static RunForwardPassRequest lossPass(String model, TokenBatch batch) {
    RunForwardPassRequest.Builder request =
        RunForwardPassRequest.newBuilder().setModel("models/" + model).setLoss(true);
    for (int[] row : batch.rows()) {
      TokenRow.Builder ids = TokenRow.newBuilder();
      Arrays.stream(row).forEach(ids::addIds);
      request.addPrompts(Prompt.newBuilder().setTokens(ids));
    }
    return request.build();
  }

  private static List<float[]> tokenLosses(RunForwardPassResponse response) {
    List<float[]> losses = new ArrayList<>();
    for (RowResult row : response.getRowsList()) {
      float[] values = new float[row.getTokenLossesCount()];
      for (int i = 0; i < values.length; i++) {
        values[i] = row.getTokenLosses(i);
        if (!Float.isFinite(values[i])) {
          throw LoupeException.of(
              ErrorReason.NOT_FINITE,
              "the model's loss is infinite or not a number: it overflows on this corpus");
        }
      }
      losses.add(values);
    }
    return losses;
  }

  private <R> R patiently(Function<InferenceServiceBlockingStub, R> call) {
    return repeated(() -> call.apply(deadlined()));
  }

  private <R> R repeated(Supplier<R> call) {
    try {
      return new Attempts(patience, stop, channel).of(call);
    } catch (RuntimeException e) {
      throw Failures.inference(e);
    }
  }

  private InferenceServiceBlockingStub deadlined() {
    return blocking.withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
  }

  private NeuronServiceBlockingStub neurons() {
    return neurons.withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS);
  }
}
