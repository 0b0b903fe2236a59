package dev.loupe.sae.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.longrunning.CancelOperationRequest;
import com.google.longrunning.GetOperationRequest;
import com.google.longrunning.Operation;
import dev.loupe.proto.sae.v1.Checkpoint;
import dev.loupe.proto.sae.v1.CorpusProgress;
import dev.loupe.proto.sae.v1.DeleteCheckpointRequest;
import dev.loupe.proto.sae.v1.DeleteCorpusRequest;
import dev.loupe.proto.sae.v1.DeleteDictionaryRequest;
import dev.loupe.proto.sae.v1.Dictionary;
import dev.loupe.proto.sae.v1.EvaluateDictionaryRequest;
import dev.loupe.proto.sae.v1.ListCheckpointsRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.proto.sae.v1.TrainDictionaryRequest;
import dev.loupe.proto.sae.v1.TrainingProgress;
import dev.loupe.proto.sae.v1.WatchTrainingRequest;
import dev.loupe.proto.sae.v1.WorkState;
import dev.loupe.sae.SaeClient;
import dev.loupe.sae.SaeConfig;
import dev.loupe.sae.SaeServer;
import dev.loupe.sae.TinyInference;
import dev.loupe.sae.client.Patience;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Long work that is stopped, goes on, or cannot be done. */
class OperationsTest {
  private static final long STEPS = 60;
  private static final Patience SHORT =
      new Patience(Duration.ofSeconds(20), Duration.ofMillis(20), Duration.ofMillis(100));
  private static final Patience BRIEF =
      new Patience(Duration.ofMillis(300), Duration.ofMillis(20), Duration.ofMillis(50));
  @TempDir Path folder;
  private TinyInference inference;
  private SaeServer server;
  private SaeClient client;

  @BeforeEach
  void start() {
    inference = TinyInference.start(folder);
    open(SHORT);
    client.createCorpus("texts", SaeClient.randomRows(80, 3));
  }

  @AfterEach
  void stop() {
    close();
    inference.close();
  }

  private void open(Patience patience) {
    server =
        SaeServer.start(
            SaeConfig.of(folder.resolve("sae"), "127.0.0.1:" + inference.port(), "127.0.0.1:1")
                .withPatience(patience));
    client = new SaeClient(server.target());
  }

  private void close() {
    client.close();
    server.close();
  }

  private Operation train(TrainDictionaryRequest request) {
    return client.stub().trainDictionary(request);
  }

  /** Waits until training has done this many steps. */
  private void awaitStep(Operation operation, long step) {
    Iterator<TrainingProgress> progress =
        client
            .stub()
            .watchTraining(
                WatchTrainingRequest.newBuilder().setOperation(operation.getName()).build());
    while (progress.next().getStep() < step) {
      assertThat(progress.hasNext()).isTrue();
    }
  }

  private Dictionary dictionary(Operation operation) throws Exception {
    Operation done = client.await(operation.getName());
    assertThat(done.hasError()).as(done.getError().getMessage()).isFalse();
    return done.getResponse().unpack(Dictionary.class);
  }

  @Test
  void trainingGoesOnAfterARestartAndEndsWithTheSameBytes() throws Exception {
    Dictionary undisturbed = dictionary(train(SaeClient.training("whole", STEPS).build()));
    Operation operation = train(SaeClient.training("broken", STEPS).build());
    awaitStep(operation, 1);
    close();
    assertThat(folder.resolve("sae/dictionaries/broken")).doesNotExist();
    open(SHORT);
    Dictionary continued = dictionary(operation);
    assertThat(continued.getWeightsSha256()).isEqualTo(undisturbed.getWeightsSha256());
    assertThat(Files.list(folder.resolve("sae/training"))).isEmpty();
  }

  @Test
  void trainingWaitsWhileTheModelIsAwayAndEndsWithTheSameBytes() throws Exception {
    Dictionary undisturbed = dictionary(train(SaeClient.training("whole", STEPS).build()));
    Operation operation = train(SaeClient.training("waiting", STEPS).build());
    awaitStep(operation, 1);
    int port = inference.port();
    inference.close();
    inference = TinyInference.start(folder, port);
    assertThat(dictionary(operation).getWeightsSha256()).isEqualTo(undisturbed.getWeightsSha256());
  }

  @Test
  void trainingFailsWhenTheModelStaysAwayAndTheSameRequestContinuesIt() throws Exception {
    Dictionary undisturbed = dictionary(train(SaeClient.training("whole", STEPS).build()));
    close();
    open(BRIEF);
    // Long enough that the model goes away in the middle.
    TrainDictionaryRequest request = SaeClient.training("left", STEPS).build();
    Operation operation = train(request);
    awaitStep(operation, 1);
    int port = inference.port();
    inference.close();
    Operation failed = client.await(operation.getName());
    inference = TinyInference.start(folder, port);
    if (failed.hasError()) {
      assertThat(LoupeErrors.reason(failed.getError())).contains(ErrorReason.INFERENCE_UNAVAILABLE);
      assertThat(folder.resolve("sae/training/left.safetensors")).exists();
      operation = train(request);
    }
    assertThat(dictionary(operation).getWeightsSha256()).isEqualTo(undisturbed.getWeightsSha256());
  }

  @Test
  void aCancelledTrainingKeepsItsCheckpointAndHoldsNothing() throws Exception {
    TrainDictionaryRequest request = SaeClient.training("stopped", 100_000).build();
    Operation operation = train(request);
    awaitStep(operation, 1);
    assertFails(() -> train(request), ErrorReason.DICTIONARY_IN_USE);
    assertFails(
        () ->
            client
                .stub()
                .deleteCorpus(DeleteCorpusRequest.newBuilder().setName("corpora/texts").build()),
        ErrorReason.CORPUS_IN_USE);
    client
        .operations()
        .cancelOperation(CancelOperationRequest.newBuilder().setName(operation.getName()).build());
    Operation cancelled = client.await(operation.getName());
    assertThat(LoupeErrors.reason(cancelled.getError())).contains(ErrorReason.OPERATION_CANCELLED);
    assertThat(folder.resolve("sae/training/stopped.safetensors")).exists();
    long before = cancelled.getMetadata().unpack(TrainingProgress.class).getStep();
    Operation continued = train(request);
    awaitStep(continued, before);
    client
        .operations()
        .cancelOperation(CancelOperationRequest.newBuilder().setName(continued.getName()).build());
    client.await(continued.getName());
    client.stub().deleteCorpus(DeleteCorpusRequest.newBuilder().setName("corpora/texts").build());
  }

  /** Watchers are far more than calls that may run at once. */
  @Test
  void thoseWhoWatchTrainingKeepNobodyFromCalling() throws Exception {
    close();
    server =
        SaeServer.start(
            SaeConfig.of(folder.resolve("sae"), "127.0.0.1:" + inference.port(), "127.0.0.1:1")
                .withBounds(2, 1, 1, 4));
    client = new SaeClient(server.target());
    Operation operation = train(SaeClient.training("watched", 100_000).build());
    WatchTrainingRequest request =
        WatchTrainingRequest.newBuilder().setOperation(operation.getName()).build();
    List<Iterator<TrainingProgress>> watchers = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      watchers.add(client.stub().watchTraining(request));
      assertThat(watchers.get(i).next().getTotalSteps()).isEqualTo(100_000);
    }
    assertThat(
            client
                .stub()
                .listCorpora(dev.loupe.proto.sae.v1.ListCorporaRequest.getDefaultInstance())
                .getCorporaCount())
        .isEqualTo(1);
    client
        .operations()
        .cancelOperation(CancelOperationRequest.newBuilder().setName(operation.getName()).build());
    for (Iterator<TrainingProgress> watcher : watchers) {
      assertFails(() -> watcher.forEachRemaining(p -> {}), ErrorReason.OPERATION_CANCELLED);
    }
  }

  private void cancel(Operation operation) {
    client
        .operations()
        .cancelOperation(CancelOperationRequest.newBuilder().setName(operation.getName()).build());
    client.await(operation.getName());
  }

  private TrainingProgress progress(Operation operation) throws Exception {
    return client
        .operations()
        .getOperation(GetOperationRequest.newBuilder().setName(operation.getName()).build())
        .getMetadata()
        .unpack(TrainingProgress.class);
  }

  @Test
  void trainingsWaitForEachOtherAndKeepNoEvaluationWaiting() throws Exception {
    dictionary(train(SaeClient.training("kept", 5).build()));
    close();
    server =
        SaeServer.start(
            SaeConfig.of(folder.resolve("sae"), "127.0.0.1:" + inference.port(), "127.0.0.1:1")
                .withBounds(64, 1, 1, 4));
    client = new SaeClient(server.target());
    Operation first = train(SaeClient.training("first", 100_000).build());
    awaitStep(first, 1);
    Operation second = train(SaeClient.training("second", 100_000).build());
    assertThat(progress(second).getState()).isEqualTo(WorkState.WORK_STATE_QUEUED);
    assertThat(progress(first).getState()).isEqualTo(WorkState.WORK_STATE_RUNNING);
    Operation evaluation =
        client
            .stub()
            .evaluateDictionary(
                EvaluateDictionaryRequest.newBuilder()
                    .setDictionary("dictionaries/kept")
                    .setCorpus("corpora/texts")
                    .setMaxRows(5)
                    .build());
    Operation evaluated = client.await(evaluation.getName());
    assertThat(evaluated.hasError()).as(evaluated.getError().getMessage()).isFalse();
    assertThat(evaluated.getMetadata().unpack(CorpusProgress.class).getState())
        .isEqualTo(WorkState.WORK_STATE_RUNNING);
    assertThat(progress(second).getState()).isEqualTo(WorkState.WORK_STATE_QUEUED);
    cancel(first);
    awaitStep(second, 1);
    cancel(second);
  }

  private List<Checkpoint> checkpoints() {
    return client
        .stub()
        .listCheckpoints(ListCheckpointsRequest.getDefaultInstance())
        .getCheckpointsList();
  }

  private void deleteCheckpoint(String name) {
    client.stub().deleteCheckpoint(DeleteCheckpointRequest.newBuilder().setName(name).build());
  }

  @Test
  void aCancelledTrainingCanBeFoundGoneOnWithForLongerAndForgotten() throws Exception {
    Operation operation = train(SaeClient.training("stopped", 100_000).build());
    awaitStep(operation, 1);
    assertFails(() -> deleteCheckpoint("checkpoints/stopped"), ErrorReason.DICTIONARY_IN_USE);
    cancel(operation);
    Checkpoint found = checkpoints().get(0);
    assertThat(checkpoints()).hasSize(1);
    assertThat(found.getName()).isEqualTo("checkpoints/stopped");
    assertThat(found.getDictionary()).isEqualTo("dictionaries/stopped");
    assertThat(found.getModel()).isEqualTo(TinyInference.MODEL);
    assertThat(found.getHookPoint()).isEqualTo(TinyInference.HOOK_POINT);
    assertThat(found.getCorpus()).isEqualTo("corpora/texts");
    assertThat(found.getDSae()).isEqualTo(96);
    assertThat(found.getStep()).isPositive();
    assertThat(found.getTotalSteps()).isEqualTo(100_000);
    assertThat(found.getBytes())
        .isEqualTo(Files.size(folder.resolve("sae/training/stopped.safetensors")));
    Operation longer = train(SaeClient.training("stopped", 200_000).build());
    awaitStep(longer, found.getStep());
    cancel(longer);
    long step = checkpoints().get(0).getStep();
    assertThat(step).isGreaterThanOrEqualTo(found.getStep());
    TrainDictionaryRequest.Builder rest = SaeClient.training("stopped", step + 3);
    assertThat(dictionary(train(rest.build())).getName()).isEqualTo("dictionaries/stopped");
    assertThat(checkpoints()).isEmpty();

    Operation other = train(SaeClient.training("other", 100_000).build());
    awaitStep(other, 1);
    cancel(other);
    deleteCheckpoint("checkpoints/other");
    assertThat(folder.resolve("sae/training/other.safetensors")).doesNotExist();
    assertFails(() -> deleteCheckpoint("checkpoints/other"), ErrorReason.CHECKPOINT_NOT_FOUND);
  }

  @Test
  void aDictionaryIsInUseOnlyWhileAnOperationRuns() throws Exception {
    dictionary(train(SaeClient.training("used", 5).build()));
    Operation publication =
        client
            .stub()
            .publishFeatures(
                PublishFeaturesRequest.newBuilder()
                    .setDictionary("dictionaries/used")
                    .setCorpus("corpora/texts")
                    .build());
    assertFails(() -> delete("dictionaries/used"), ErrorReason.DICTIONARY_IN_USE);
    // No feature store listens, so the publication waits for one until it is cancelled.
    client
        .operations()
        .cancelOperation(
            CancelOperationRequest.newBuilder().setName(publication.getName()).build());
    assertThat(LoupeErrors.reason(client.await(publication.getName()).getError()))
        .contains(ErrorReason.OPERATION_CANCELLED);
    delete("dictionaries/used");
    assertThat(folder.resolve("sae/dictionaries/used")).doesNotExist();
  }

  @Test
  void publishingFailsWhenTheFeatureStoreStaysAway() throws Exception {
    dictionary(train(SaeClient.training("unseen", 5).build()));
    close();
    open(BRIEF);
    Operation publication =
        client
            .stub()
            .publishFeatures(
                PublishFeaturesRequest.newBuilder()
                    .setDictionary("dictionaries/unseen")
                    .setCorpus("corpora/texts")
                    .build());
    assertThat(LoupeErrors.reason(client.await(publication.getName()).getError()))
        .contains(ErrorReason.SERVICE_UNAVAILABLE);
  }

  @Test
  void evaluatingFailsWhenTheModelStaysAway() throws Exception {
    dictionary(train(SaeClient.training("blind", 5).build()));
    close();
    open(BRIEF);
    inference.close();
    Operation evaluation =
        client
            .stub()
            .evaluateDictionary(
                EvaluateDictionaryRequest.newBuilder()
                    .setDictionary("dictionaries/blind")
                    .setCorpus("corpora/texts")
                    .build());
    assertThat(LoupeErrors.reason(client.await(evaluation.getName()).getError()))
        .contains(ErrorReason.INFERENCE_UNAVAILABLE);
    assertFails(
        () -> train(SaeClient.training("next", 5).build()), ErrorReason.INFERENCE_UNAVAILABLE);
  }

  /** A folder that takes no checkpoints: what stands in its place is a file. */
  @Test
  void trainingFailsWithAClearErrorWhenItsCheckpointCannotBeWritten() throws Exception {
    dictionary(train(SaeClient.training("kept", 5).build()));
    Files.deleteIfExists(folder.resolve("sae/training"));
    Files.writeString(folder.resolve("sae/training"), "in the way");
    Operation operation = client.await(train(SaeClient.training("lost", STEPS).build()).getName());
    assertThat(LoupeErrors.reason(operation.getError())).contains(ErrorReason.STORAGE_UNAVAILABLE);
    assertThat(
            client
                .stub()
                .listDictionaries(
                    dev.loupe.proto.sae.v1.ListDictionariesRequest.getDefaultInstance())
                .getDictionariesList())
        .extracting(Dictionary::getName)
        .containsExactly("dictionaries/kept");
  }

  private void delete(String name) {
    client.stub().deleteDictionary(DeleteDictionaryRequest.newBuilder().setName(name).build());
  }

  private static void assertFails(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, ErrorReason reason) {
    assertThatThrownBy(call).satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(reason));
  }
}
