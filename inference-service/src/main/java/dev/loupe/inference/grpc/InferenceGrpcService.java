package dev.loupe.inference.grpc;

import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.serving.LoadableSources;
import dev.loupe.inference.serving.ModelLoads;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.proto.inference.v1.ActivationCache;
import dev.loupe.proto.inference.v1.DeleteActivationCacheRequest;
import dev.loupe.proto.inference.v1.DeleteActivationCacheResponse;
import dev.loupe.proto.inference.v1.DetokenizeRequest;
import dev.loupe.proto.inference.v1.DetokenizeResponse;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.GetActivationCacheRequest;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.ListActivationCachesRequest;
import dev.loupe.proto.inference.v1.ListActivationCachesResponse;
import dev.loupe.proto.inference.v1.ListHookPointsRequest;
import dev.loupe.proto.inference.v1.ListHookPointsResponse;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.ListModelsResponse;
import dev.loupe.proto.inference.v1.LoadModelRequest;
import dev.loupe.proto.inference.v1.LoadModelResponse;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.proto.inference.v1.ReadActivationCacheRequest;
import dev.loupe.proto.inference.v1.ReadActivationCacheResponse;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.proto.inference.v1.TokenizeResponse;
import dev.loupe.proto.inference.v1.UnloadModelRequest;
import dev.loupe.proto.inference.v1.UnloadModelResponse;
import dev.loupe.server.streams.BlockingCalls;
import dev.loupe.server.streams.StreamLimits;
import dev.loupe.server.streams.WatchingCalls;
import io.grpc.stub.StreamObserver;

/** The whole of {@code loupe.inference.v1.InferenceService}; each RPC has its own class. */
public final class InferenceGrpcService extends InferenceServiceGrpc.InferenceServiceImplBase {
  private final BlockingCalls calls;
  private final WatchingCalls watches;
  private final Models models;
  private final ModelLoading loading;
  private final Tokens tokens;
  private final ForwardPasses forwardPasses;
  private final ActivationStreams activationStreams;
  private final LiveHooks liveHooks;
  private final Generation generation;
  private final KeptActivations keptActivations;

  /** A service over loaded models; calls run on these threads, and what only watches on none. */
  public InferenceGrpcService(
      ModelRegistry registry,
      ModelLoads loads,
      LoadableSources sources,
      DeviceRunner device,
      InferenceMetrics metrics,
      BlockingCalls calls,
      WatchingCalls watches) {
    this.calls = calls;
    this.watches = watches;
    ModelLookup lookup = new ModelLookup(registry);
    this.models = new Models(registry, lookup);
    this.loading = new ModelLoading(registry, loads, sources);
    this.tokens = new Tokens(lookup);
    this.forwardPasses = new ForwardPasses(lookup, device, metrics);
    this.activationStreams = new ActivationStreams(lookup, device, metrics);
    this.liveHooks = new LiveHooks(lookup, device, metrics);
    this.generation = new Generation(lookup, device, metrics);
    this.keptActivations = new KeptActivations(lookup, device, metrics);
  }

  @Override
  public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> responses) {
    answer(responses, models.list(request));
  }

  @Override
  public void getModel(GetModelRequest request, StreamObserver<Model> responses) {
    answer(responses, models.get(request));
  }

  @Override
  public void loadModel(LoadModelRequest request, StreamObserver<LoadModelResponse> responses) {
    watches.follow(responses, changed -> loading.load(request, changed));
  }

  @Override
  public void unloadModel(
      UnloadModelRequest request, StreamObserver<UnloadModelResponse> responses) {
    calls.serverStream(responses, StreamLimits.DEFAULT, sender -> loading.unload(request, sender));
  }

  @Override
  public void listHookPoints(
      ListHookPointsRequest request, StreamObserver<ListHookPointsResponse> responses) {
    answer(responses, models.hookPoints(request));
  }

  @Override
  public void tokenize(TokenizeRequest request, StreamObserver<TokenizeResponse> responses) {
    calls.unary(responses, () -> tokens.tokenize(request));
  }

  @Override
  public void detokenize(DetokenizeRequest request, StreamObserver<DetokenizeResponse> responses) {
    calls.unary(responses, () -> tokens.detokenize(request));
  }

  @Override
  public void runForwardPass(
      RunForwardPassRequest request, StreamObserver<RunForwardPassResponse> responses) {
    calls.serverStream(
        responses, StreamLimits.DEFAULT, sender -> forwardPasses.run(request, sender));
  }

  @Override
  public StreamObserver<StreamActivationsRequest> streamActivations(
      StreamObserver<StreamActivationsResponse> responses) {
    return calls.bidi(responses, ActivationStreams.LIMITS, activationStreams::run);
  }

  @Override
  public StreamObserver<RunWithHooksRequest> runWithHooks(
      StreamObserver<RunWithHooksResponse> responses) {
    return calls.bidi(responses, LiveHooks.LIMITS, liveHooks::run);
  }

  @Override
  public void generateText(
      GenerateTextRequest request, StreamObserver<GenerateTextResponse> responses) {
    calls.serverStream(responses, StreamLimits.DEFAULT, sender -> generation.run(request, sender));
  }

  @Override
  public void listActivationCaches(
      ListActivationCachesRequest request, StreamObserver<ListActivationCachesResponse> responses) {
    calls.unary(responses, () -> keptActivations.list(request));
  }

  @Override
  public void getActivationCache(
      GetActivationCacheRequest request, StreamObserver<ActivationCache> responses) {
    calls.unary(responses, () -> keptActivations.get(request));
  }

  @Override
  public void readActivationCache(
      ReadActivationCacheRequest request, StreamObserver<ReadActivationCacheResponse> responses) {
    calls.serverStream(
        responses, StreamLimits.DEFAULT, sender -> keptActivations.read(request, sender));
  }

  @Override
  public void deleteActivationCache(
      DeleteActivationCacheRequest request,
      StreamObserver<DeleteActivationCacheResponse> responses) {
    calls.unary(responses, () -> keptActivations.delete(request));
  }

  private static <R> void answer(StreamObserver<R> responses, R response) {
    responses.onNext(response);
    responses.onCompleted();
  }
}
