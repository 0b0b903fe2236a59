package dev.loupe.sae.grpc;

import com.google.longrunning.Operation;
import com.google.protobuf.Message;
import dev.loupe.proto.sae.v1.TrainDictionaryRequest;
import dev.loupe.proto.sae.v1.TrainingProgress;
import dev.loupe.proto.sae.v1.WatchTrainingRequest;
import dev.loupe.proto.sae.v1.WorkState;
import dev.loupe.sae.SaeMetrics;
import dev.loupe.sae.client.InferenceClient;
import dev.loupe.sae.corpus.Corpus;
import dev.loupe.sae.corpus.CorpusStore;
import dev.loupe.sae.corpus.ModelInfo;
import dev.loupe.sae.format.DictionaryDescription;
import dev.loupe.sae.format.DictionaryStore;
import dev.loupe.sae.memory.MemoryNeeds;
import dev.loupe.sae.training.CheckpointStore;
import dev.loupe.sae.training.TrainedDictionary;
import dev.loupe.sae.training.TrainingListener;
import dev.loupe.sae.training.TrainingRun;
import dev.loupe.sae.training.TrainingSpec;
import dev.loupe.sae.training.TrainingStatus;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.operations.OperationContext;
import dev.loupe.server.operations.OperationRunner;
import dev.loupe.server.operations.OperationWork;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.sharing.MemoryNeed;
import dev.loupe.server.streams.WatchingCalls;
import java.util.Map;

/** TrainDictionary and WatchTraining. */
final class TrainingCalls {
  private final DictionaryStore dictionaries;
  private final CorpusStore corpora;
  private final CheckpointStore checkpoints;
  private final OperationRunner operations;
  private final InferenceClient inference;
  private final Usage usage;
  private final OperationMemory memory;
  private final SaeMetrics metrics;
  private final TrainingRequests requests;

  TrainingCalls(
      DictionaryStore dictionaries,
      CorpusStore corpora,
      CheckpointStore checkpoints,
      OperationRunner operations,
      InferenceClient inference,
      Usage usage,
      OperationMemory memory,
      SaeMetrics metrics) {
    this.dictionaries = dictionaries;
    this.corpora = corpora;
    this.checkpoints = checkpoints;
    this.operations = operations;
    this.inference = inference;
    this.usage = usage;
    this.memory = memory;
    this.metrics = metrics;
    this.requests = new TrainingRequests(corpora);
  }

  Operation train(TrainDictionaryRequest request) {
    TrainingSpec spec = requests.spec(request, inference.brief());
    TrainingProgress start =
        Messages.training(WorkState.WORK_STATE_QUEUED, spec.schedule().steps());
    memory.requireFits(need(spec));
    return usage.step(
        () -> {
          requireFree(spec.dictionary());
          corpora.describe(spec.corpus());
          return operations.start(
              Names.DICTIONARY.format(spec.dictionary()),
              request,
              start,
              context -> train(spec, context));
        });
  }

  private void requireFree(String id) {
    if (dictionaries.exists(id)) {
      throw LoupeException.of(
              ErrorReason.DICTIONARY_EXISTS,
              "dictionary dictionaries/" + id + " is there already; choose another dictionary_id")
          .with("dictionary", "dictionaries/" + id);
    }
    usage.requireDictionaryFree(Names.DICTIONARY.format(id));
  }

  /** The work of an operation that the process before left unfinished. */
  OperationWork resume(TrainDictionaryRequest request) {
    return context -> {
      String id = request.getDictionaryId();
      if (dictionaries.exists(id)) {
        // It was stored just before the process ended.
        return Messages.of(dictionaries.describe(id));
      }
      return train(requests.spec(request, inference.stoppedBy(context::throwIfStopped)), context);
    };
  }

  private static MemoryNeed need(TrainingSpec spec) {
    return MemoryNeeds.training(
        spec.architecture(),
        spec.dIn(),
        spec.dSae(),
        spec.schedule().batchSize(),
        spec.schedule().bufferRows());
  }

  private Message train(TrainingSpec spec, OperationContext context) {
    try (MemoryBudget.Reservation reserved = memory.reserve(need(spec), context)) {
      return trainReserved(spec, context);
    }
  }

  private Message trainReserved(TrainingSpec spec, OperationContext context) {
    context.progress(Messages.training(WorkState.WORK_STATE_RUNNING, spec.schedule().steps()));
    try (Corpus corpus = corpora.open(spec.corpus())) {
      ModelInfo model = inference.stoppedBy(context::throwIfStopped).model(spec.model());
      boolean prependsBos = corpus.beginsWith(model.bosToken());
      TrainingRun run =
          new TrainingRun(
              spec, corpus, inference, checkpoints.file(spec.dictionary()), listener(context));
      TrainedDictionary trained = run.run();
      DictionaryDescription stored;
      try {
        stored =
            dictionaries.save(
                spec.dictionary(),
                trained.dictionary(),
                spec.model(),
                model.weightsSha256(),
                spec.hookPoint(),
                trained.densities(),
                corpus.description().longestRow(),
                prependsBos,
                provenance(spec, corpus));
      } catch (LoupeException e) {
        // Training that took hours must not be lost to a full disk.
        run.keepCheckpoint(e);
        throw e;
      }
      run.deleteCheckpoint();
      return Messages.of(stored);
    }
  }

  private static Map<String, String> provenance(TrainingSpec spec, Corpus corpus) {
    return Map.of(
        "corpus", Names.CORPUS.format(spec.corpus()),
        "corpus_sha256", corpus.description().sha256(),
        "schedule", spec.schedule().toString(),
        "seed", Long.toString(spec.seed()));
  }

  private TrainingListener listener(OperationContext context) {
    return new TrainingListener() {
      @Override
      public void throwIfStopped() {
        context.throwIfStopped();
      }

      @Override
      public void progress(TrainingStatus status) {
        metrics.training(status);
        context.progress(Messages.of(status));
      }

      @Override
      public void trained(int rows) {
        metrics.trained(rows);
      }
    };
  }

  /** Follows an operation of TrainDictionary. */
  WatchingCalls.Followed<TrainingProgress> watch(WatchTrainingRequest request, Runnable changed) {
    Names.OPERATION.parse("operation", request.getOperation());
    return new WatchedTraining(operations.watch(request.getOperation()).onChange(changed));
  }
}
