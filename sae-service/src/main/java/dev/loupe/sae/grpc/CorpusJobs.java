package dev.loupe.sae.grpc;

import com.google.longrunning.Operation;
import com.google.protobuf.Message;
import dev.loupe.proto.sae.v1.EvaluateDictionaryRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesResult;
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
import dev.loupe.sae.publishing.Publisher;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.operations.OperationContext;
import dev.loupe.server.operations.OperationRunner;
import dev.loupe.server.operations.OperationWork;
import io.grpc.ManagedChannel;

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
  private final InferenceClient inference;
  private final ManagedChannel features;
  private final Patience patience;
  private final SaeMetrics metrics;

  CorpusJobs(
      DictionaryStore dictionaries,
      CorpusStore corpora,
      OperationRunner operations,
      Usage usage,
      InferenceClient inference,
      ManagedChannel features,
      Patience patience,
      SaeMetrics metrics) {
    this.dictionaries = dictionaries;
    this.corpora = corpora;
    this.operations = operations;
    this.usage = usage;
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
        evaluation(request));
  }

  OperationWork evaluation(EvaluateDictionaryRequest request) {
    return context -> evaluate(request, context);
  }

  private Message evaluate(EvaluateDictionaryRequest request, OperationContext context) {
    String id = Names.DICTIONARY.parseId("dictionary", request.getDictionary());
    DictionaryDescription dictionary = dictionaries.describe(id);
    InferenceClient stoppable = inference.stoppedBy(context::throwIfStopped);
    ModelInfo model = stoppable.model(dictionary.model(), dictionary.modelSha256());
    HookPointInfo hookPoint = hookPoint(stoppable, model.id(), dictionary.hookPoint(), dictionary);
    try (Corpus corpus = open(request.getCorpus())) {
      CorpusPass pass =
          new CorpusPass(corpus, BatchPlan.forLosses(dictionary.dIn()), request.getMaxRows());
      EvaluationResult result =
          new Evaluator(
                  stoppable, model.id(), hookPoint.name(), dictionaries.load(id), listener(context))
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
        publication(request));
  }

  OperationWork publication(PublishFeaturesRequest request) {
    return context -> publish(request, context);
  }

  private Message publish(PublishFeaturesRequest request, OperationContext context) {
    String id = Names.DICTIONARY.parseId("dictionary", request.getDictionary());
    DictionaryDescription dictionary = dictionaries.describe(id);
    InferenceClient stoppable = inference.stoppedBy(context::throwIfStopped);
    ModelInfo model = stoppable.model(dictionary.model(), dictionary.modelSha256());
    HookPointInfo hookPoint = hookPoint(stoppable, model.id(), dictionary.hookPoint(), dictionary);
    Publisher.Job job =
        new Publisher.Job(
            id,
            model.id(),
            hookPoint.name(),
            hookPoint.addsToResidual(),
            request.getExamples() == 0 ? DEFAULT_EXAMPLES : request.getExamples());
    try (Corpus corpus = open(request.getCorpus())) {
      BatchPlan plan = BatchPlan.forWidth(dictionary.dIn());
      CorpusPass pass = new CorpusPass(corpus, plan, request.getMaxRows());
      CorpusPass sample = CorpusPass.sample(corpus, plan, request.getMaxRows(), SAMPLE_POSITIONS);
      Publisher.Result result =
          new Publisher(
                  job,
                  dictionaries.load(id),
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
      String dictionary, String corpus, long maxRows, Message request, OperationWork work) {
    requireOneModel(dictionary, corpus);
    return usage.step(
        () -> {
          CorpusDescription described = check(dictionary, corpus, maxRows);
          return operations.start(
              dictionary, request, Messages.progress(0, rows(described, maxRows)), work);
        });
  }

  private CorpusDescription check(String dictionaryName, String corpusName, long maxRows) {
    String id = Names.DICTIONARY.parseId("dictionary", dictionaryName);
    String corpusId = Names.CORPUS.parseId("corpus", corpusName);
    if (maxRows < 0) {
      throw LoupeException.invalidValue("max_rows", maxRows, "1 or more, or 0 for all");
    }
    dictionaries.describe(id);
    CorpusDescription corpus = corpora.describe(corpusId);
    if (corpus.tokens() == corpus.rows()) {
      throw LoupeException.invalidValue(
          "corpus", "rows of one token each", "rows of at least two tokens");
    }
    return corpus;
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

  private static long rows(CorpusDescription corpus, long maxRows) {
    return maxRows == 0 ? corpus.rows() : Math.min(maxRows, corpus.rows());
  }

  private static CorpusListener listener(OperationContext context) {
    return new CorpusListener() {
      @Override
      public void throwIfStopped() {
        context.throwIfStopped();
      }

      @Override
      public void progress(long rows, long totalRows) {
        context.progress(Messages.progress(rows, totalRows));
      }
    };
  }
}
