package dev.loupe.inference.grpc;

import dev.loupe.inference.grpc.requests.ModelMessages;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.serving.LoadableSources;
import dev.loupe.inference.serving.ModelForm;
import dev.loupe.inference.serving.ModelLoad;
import dev.loupe.inference.serving.ModelLoads;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.inference.serving.ModelRetirement;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.LoadModelRequest;
import dev.loupe.proto.inference.v1.LoadModelResponse;
import dev.loupe.proto.inference.v1.LoadProgress;
import dev.loupe.proto.inference.v1.UnloadModelRequest;
import dev.loupe.proto.inference.v1.UnloadModelResponse;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.ResourcePattern;
import dev.loupe.server.streams.StreamSender;
import dev.loupe.server.streams.WatchingCalls;
import java.time.Duration;
import java.util.Optional;

/** LoadModel and UnloadModel. */
final class ModelLoading {
  private static final ResourcePattern NAME = ResourcePattern.of("models/{model}");
  private static final Duration LOOK_AGAIN = Duration.ofMillis(100);

  private final ModelRegistry registry;
  private final ModelLoads loads;
  private final LoadableSources sources;

  ModelLoading(ModelRegistry registry, ModelLoads loads, LoadableSources sources) {
    this.registry = registry;
    this.loads = loads;
    this.sources = sources;
  }

  /** Begins to load a model, or joins those who do. */
  WatchingCalls.Followed<LoadModelResponse> load(LoadModelRequest request, Runnable changed) {
    return new FollowedLoad(loads.start(spec(request)).onChange(changed));
  }

  /** What a load's watcher is told: how far it is, and at last the model. */
  private static final class FollowedLoad implements WatchingCalls.Followed<LoadModelResponse> {
    private final ModelLoad.Watch watch;
    private boolean over;

    FollowedLoad(ModelLoad.Watch watch) {
      this.watch = watch;
    }

    @Override
    public Optional<LoadModelResponse> next() {
      Optional<ServedModel> model = watch.model();
      over = model.isPresent();
      return over
          ? model.map(
              served ->
                  LoadModelResponse.newBuilder().setModel(ModelMessages.model(served)).build())
          : progress();
    }

    private Optional<LoadModelResponse> progress() {
      try {
        return watch.next(Duration.ZERO).map(ModelLoading::message);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down", e);
      }
    }

    @Override
    public boolean isFinished() {
      return over;
    }

    @Override
    public void close() {
      watch.close();
    }
  }

  void unload(UnloadModelRequest request, StreamSender<UnloadModelResponse> sender)
      throws InterruptedException {
    ModelRetirement retirement = registry.retire(NAME.parseId("name", request.getName()));
    while (!retirement.await(LOOK_AGAIN)) {
      sender.throwIfCancelled();
    }
    sender.send(UnloadModelResponse.getDefaultInstance());
  }

  private ModelSpec spec(LoadModelRequest request) {
    ModelSource source = sources.find("source", request.getSource());
    String id = request.getModelId().isEmpty() ? source.modelId() : request.getModelId();
    ModelForm form =
        new ModelForm(
            Provenances.computeType("compute_type", request.getComputeType()),
            Provenances.processing(request.getProcessing()));
    return new ModelSpec(id, source, form);
  }

  private static LoadModelResponse message(ModelLoad.Progress progress) {
    return LoadModelResponse.newBuilder()
        .setProgress(
            LoadProgress.newBuilder()
                .setStep(progress.step())
                .setDoneBytes(progress.done())
                .setTotalBytes(progress.total()))
        .build();
  }
}
