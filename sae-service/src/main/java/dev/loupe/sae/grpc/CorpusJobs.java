package dev.loupe.sae.grpc;

import com.google.longrunning.Operation;
import com.google.protobuf.Message;
import dev.loupe.proto.sae.v1.EvaluateDictionaryRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesResult;
import dev.loupe.proto.sae.v1.WorkState;
import dev.loupe.sae.SaeMetrics;
import dev.loupe.sae.client.FeatureStoreClient;
import dev.loupe.sae.client.InferenceClient;
import dev.loupe.sae.client.Patience;
import dev.loupe.sae.corpus.BatchPlan;
import dev.loupe.sae.corpus.Corpus;
import dev.loupe.sae.corpus.CorpusDescription;
import dev.loupe.sae.corpus.CorpusListener;
import dev.loupe.sae.corpus.CorpusPass;
import dev.loupe.sae.corpus.CorpusStore;
import dev.loupe.sae.corpus.HookPointInfo;
import dev.loupe.sae.corpus.ModelInfo;
import dev.loupe.sae.evaluation.EvaluationResult;
import dev.loupe.sae.evaluation.Evaluator;
import dev.loupe.sae.format.DictionaryDescription;
import dev.loupe.sae.format.DictionaryStore;
import dev.loupe.sae.memory.MemoryNeeds;
import dev.loupe.sae.publishing.Publisher;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.operations.OperationContext;
import dev.loupe.server.operations.OperationRunner;
import dev.loupe.server.operations.OperationWork;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.sharing.MemoryNeed;
import io.grpc.ManagedChannel;
import java.util.function.BiFunction;

/** EvaluateDictionary and PublishFeatures: operations that run a corpus once. */
final class CorpusJobs {
  private static final int DEFAULT_EXAMPLES = 10;
  private static final int MAX_EXAMPLES = 100;

  /** Positions, about, that say how directions go through the final layer norm on average. */
  private static final long SAMPLE_POSITIONS = 8_192;

  private final DictionaryStore dictionaries;
  private final CorpusStore corpora;
  private final OperationRunner operations;
  private final Usage usage;
  private final OperationMemory memory;
  private final InferenceClient inference;
  private final ManagedChannel features;
  private final Patience patience;
  private final SaeMetrics metrics;

  CorpusJobs(
      DictionaryStore dictionaries,
      CorpusStore corpora,
      OperationRunner operations,
      Usage usage,
      OperationMemory memory,
      InferenceClient inference,
      ManagedChannel features,
      Patience patience,
      SaeMetrics metrics) {
    this.dictionaries = dictionaries;
    this.corpora = corpora;
    this.operations = operations;
    this.usage = usage;
    this.memory = memory;
    this.inference = inference;
    this.features = features;
    this.patience = patience;
    this.metrics = metrics;
  }

  Operation evaluate(EvaluateDictionaryRequest request) {
    return start(
        request.getDictionary(),
        request.getCorpus(),
        request.getMaxRows(),
        request,
        CorpusJobs::evaluating,
        evaluation(request));
  }

  OperationWork evaluation(EvaluateDictionaryRequest request) {
    return context -> evaluate(request, context);
  }

  private Message evaluate(EvaluateDictionaryRequest request, OperationContext context) {
    DictionaryDescription dictionary = dictionary(request.getDictionary());
    CorpusDescription corpus = corpus(request.getCorpus());
    try (MemoryBudget.Reservation reserved =
        memory.reserve(evaluating(dictionary, corpus), context)) {
      return evaluate(request, dictionary, context);
    }
  }

  private Message evaluate(
      EvaluateDictionaryRequest request,
      DictionaryDescription dictionary,
      OperationContext context) {
    InferenceClient stoppable = inference.stoppedBy(context::throwIfStopped);
    ModelInfo model = stoppable.model(dictionary.model(), dictionary.modelSha256());
    HookPointInfo hookPoint = hookPoint(stoppable, model.id(), dictionary.hookPoint(), dictionary);
    try (Corpus corpus = open(request.getCorpus())) {
      CorpusPass pass =
          new CorpusPass(corpus, BatchPlan.forLosses(dictionary.dIn()), request.getMaxRows());
      context.progress(Messages.progress(WorkState.WORK_STATE_RUNNING, 0, pass.totalRows()));
      EvaluationResult result =
          new Evaluator(
                  stoppable,
                  model.id(),
                  hookPoint.name(),
                  dictionaries.load(dictionary.id()),
                  listener(context))
              .evaluate(pass);
      metrics.evaluated(pass.totalRows());
      return Messages.of(result);
    }
  }

  Operation publish(PublishFeaturesRequest request) {
    if (request.getExamples() < 0 || request.getExamples() > MAX_EXAMPLES) {
      throw LoupeException.invalidValue(
          "examples", request.getExamples(), "1 to " + MAX_EXAMPLES + ", or 0 for 10");
    }
    return start(
        request.getDictionary(),
        request.getCorpus(),
        request.getMaxRows(),
        request,
        (dictionary, corpus) -> publishing(request, dictionary, corpus),
        publication(request));
  }

  OperationWork publication(PublishFeaturesRequest request) {
    return context -> publish(request, context);
  }

  private static MemoryNeed evaluating(DictionaryDescription dictionary, CorpusDescription corpus) {
    return MemoryNeeds.evaluating(dictionary.dIn(), dictionary.dSae(), corpus.rows());
  }

  private static MemoryNeed publishing(
      PublishFeaturesRequest request, DictionaryDescription dictionary, CorpusDescription corpus) {
    return MemoryNeeds.publishing(
        dictionary.dIn(), dictionary.dSae(), examples(request), corpus.rows());
  }

  private static int examples(PublishFeaturesRequest request) {
    return request.getExamples() == 0 ? DEFAULT_EXAMPLES : request.getExamples();
  }

  private Message publish(PublishFeaturesRequest request, OperationContext context) {
    DictionaryDescription dictionary = dictionary(request.getDictionary());
    CorpusDescription corpus = corpus(request.getCorpus());
    try (MemoryBudget.Reservation reserved =
        memory.reserve(publishing(request, dictionary, corpus), context)) {
      return publish(request, dictionary, context);
    }
  }

  private Message publish(
      PublishFeaturesRequest request, DictionaryDescription dictionary, OperationContext context) {
    InferenceClient stoppable = inference.stoppedBy(context::throwIfStopped);
    ModelInfo model = stoppable.model(dictionary.model(), dictionary.modelSha256());
    HookPointInfo hookPoint = hookPoint(stoppable, model.id(), dictionary.hookPoint(), dictionary);
    Publisher.Job job =
        new Publisher.Job(
            dictionary.id(),
            model.id(),
            hookPoint.name(),
            hookPoint.addsToResidual(),
            examples(request));
    try (Corpus corpus = open(request.getCorpus())) {
      BatchPlan plan = BatchPlan.forWidth(dictionary.dIn());
      CorpusPass pass = new CorpusPass(corpus, plan, request.getMaxRows());
      CorpusPass sample = CorpusPass.sample(corpus, plan, request.getMaxRows(), SAMPLE_POSITIONS);
      context.progress(Messages.progress(WorkState.WORK_STATE_RUNNING, 0, pass.totalRows()));
      Publisher.Result result =
          new Publisher(
                  job,
                  dictionaries.load(dictionary.id()),
                  stoppable,
                  stoppable,
                  new FeatureStoreClient(features, patience, context::throwIfStopped),
                  listener(context))
              .publish(pass, sample);
      metrics.published(result.features());
      return PublishFeaturesResult.newBuilder()
          .setFeatures(result.features())
          .setActivations(result.activations())
          .build();
    }
  }

  private Operation start(
      String dictionaryName,
      String corpusName,
      long maxRows,
      Message request,
      BiFunction<DictionaryDescription, CorpusDescription, MemoryNeed> need,
      OperationWork work) {
    requireOneModel(dictionaryName, corpusName);
    return usage.step(
        () -> {
          DictionaryDescription dictionary = dictionary(dictionaryName);
          CorpusDescription corpus = corpus(corpusName);
          check(corpus, maxRows);
          memory.requireFits(need.apply(dictionary, corpus));
          long rows = maxRows == 0 ? corpus.rows() : Math.min(maxRows, corpus.rows());
          return operations.start(
              dictionaryName,
              request,
              Messages.progress(WorkState.WORK_STATE_QUEUED, 0, rows),
              work);
        });
  }

  private DictionaryDescription dictionary(String name) {
    return dictionaries.describe(Names.DICTIONARY.parseId("dictionary", name));
  }

  private CorpusDescription corpus(String name) {
    return corpora.describe(Names.CORPUS.parseId("corpus", name));
  }

  private static void check(CorpusDescription corpus, long maxRows) {
    if (maxRows < 0) {
      throw LoupeException.invalidValue("max_rows", maxRows, "1 or more, or 0 for all");
    }
    if (corpus.tokens() == corpus.rows()) {
      throw LoupeException.invalidValue(
          "corpus", "rows of one token each", "rows of at least two tokens");
    }
  }

  private void requireOneModel(String dictionaryName, String corpusName) {
    DictionaryDescription dictionary =
        dictionaries.describe(Names.DICTIONARY.parseId("dictionary", dictionaryName));
    CorpusDescription corpus = corpora.describe(Names.CORPUS.parseId("corpus", corpusName));
    if (!new ServedModels(inference.brief())
        .areOne(
            corpus.model(), corpus.modelSha256(), dictionary.model(), dictionary.modelSha256())) {
      throw LoupeException.of(
          ErrorReason.MODEL_MISMATCH,
          "%s holds tokens of models/%s; %s reads models/%s; where that is another name of it, say so by SetDictionaryModel"
              .formatted(corpusName, corpus.model(), dictionaryName, dictionary.model()));
    }
  }

  /** A dictionary's hook point; fails with WRONG_SHAPE where it cannot read its values. */
  static HookPointInfo hookPoint(
      InferenceClient inference, String model, String name, DictionaryDescription dictionary) {
    HookPointInfo found = inference.hookPoint(model, name);
    if (found.width() != dictionary.dIn()) {
      String width =
          found.width() == 0
              ? "has no vector for each position"
              : "is %d wide at each position".formatted(found.width());
      throw LoupeException.of(
          ErrorReason.WRONG_SHAPE,
          "hook point %s of models/%s %s; %s reads vectors %d wide"
              .formatted(
                  found.name(),
                  model,
                  width,
                  Names.DICTIONARY.format(dictionary.id()),
                  dictionary.dIn()));
    }
    return found;
  }

  private Corpus open(String corpusName) {
    return corpora.open(Names.CORPUS.parseId("corpus", corpusName));
  }

  private static CorpusListener listener(OperationContext context) {
    return new CorpusListener() {
      @Override
      public void throwIfStopped() {
        context.throwIfStopped();
      }

      @Override
      public void progress(long rows, long totalRows) {
        context.progress(Messages.progress(WorkState.WORK_STATE_RUNNING, rows, totalRows));
      }
    };
  }
}
