package dev.loupe.sae.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.longrunning.Operation;
import dev.loupe.features.FeatureStoreServer;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureExample;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.features.v1.GetFeatureRequest;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.sae.v1.Corpus;
import dev.loupe.proto.sae.v1.Dictionary;
import dev.loupe.proto.sae.v1.EvaluateDictionaryRequest;
import dev.loupe.proto.sae.v1.Evaluation;
import dev.loupe.proto.sae.v1.GetDictionaryRequest;
import dev.loupe.proto.sae.v1.GetFeatureVectorsRequest;
import dev.loupe.proto.sae.v1.GetFeatureVectorsResponse;
import dev.loupe.proto.sae.v1.ListCorporaRequest;
import dev.loupe.proto.sae.v1.ListCorporaResponse;
import dev.loupe.proto.sae.v1.ListDictionariesRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesResult;
import dev.loupe.proto.sae.v1.StandardArchitecture;
import dev.loupe.proto.sae.v1.TrainingProgress;
import dev.loupe.proto.sae.v1.WatchTrainingRequest;
import dev.loupe.sae.SaeClient;
import dev.loupe.sae.SaeConfig;
import dev.loupe.sae.SaeServer;
import dev.loupe.sae.TinyInference;
import dev.loupe.server.Channels;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.ManagedChannel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From a corpus to features in the store, over real servers. */
class WholePathTest {
  @TempDir static Path folder;
  private static TinyInference inference;
  private static FeatureStoreServer features;
  private static SaeServer server;
  private static SaeClient client;
  private static Corpus corpus;
  private static List<TrainingProgress> progress;
  private static Dictionary dictionary;

  @BeforeAll
  static void trainOne() throws Exception {
    inference = TinyInference.start(folder);
    features =
        FeatureStoreServer.start(
            "jdbc:sqlite:" + folder.resolve("features.db"),
            "127.0.0.1",
            0,
            new SimpleMeterRegistry());
    server =
        SaeServer.start(
            SaeConfig.of(
                folder.resolve("sae"), inference.target(), "127.0.0.1:" + features.port()));
    client = new SaeClient(server.target());
    corpus = client.createCorpus("texts", SaeClient.randomRows(120, 3));
    Operation training = client.stub().trainDictionary(SaeClient.training("first", 200).build());
    progress = new ArrayList<>();
    client
        .stub()
        .watchTraining(WatchTrainingRequest.newBuilder().setOperation(training.getName()).build())
        .forEachRemaining(progress::add);
    dictionary = client.await(training.getName()).getResponse().unpack(Dictionary.class);
  }

  @AfterAll
  static void close() {
    client.close();
    server.close();
    features.close();
    inference.close();
  }

  @Test
  void storesTheCorpus() {
    List<int[]> rows = SaeClient.randomRows(120, 3);
    assertThat(corpus.getRows()).isEqualTo(120);
    assertThat(corpus.getTokens()).isEqualTo(rows.stream().mapToLong(row -> row.length).sum());
    assertThat(corpus.getSha256()).matches("[0-9a-f]{64}");
    ListCorporaResponse list = client.stub().listCorpora(ListCorporaRequest.getDefaultInstance());
    assertThat(list.getCorporaList()).contains(corpus);
  }

  @Test
  void trainsADictionaryThatExplainsTheActivations() {
    TrainingProgress last = progress.get(progress.size() - 1);
    assertThat(last.getStep()).isEqualTo(200);
    assertThat(last.getTotalSteps()).isEqualTo(200);
    assertThat(last.getRows()).isEqualTo(200 * 64);
    assertThat(last.getL0()).isLessThanOrEqualTo(8);
    assertThat(last.getExplainedVariance()).isGreaterThan(0.6);
    assertThat(last.getLearningRate()).isPositive().isLessThan(3e-3 / 40);
    assertThat(dictionary.getName()).isEqualTo("dictionaries/first");
    assertThat(dictionary.getDIn()).isEqualTo(TinyInference.D_MODEL);
    assertThat(dictionary.getTopk().getK()).isEqualTo(8);
    assertThat(dictionary.getTopk().getAuxkCoefficient()).isEqualTo(1f / 32);
    assertThat(
            client
                .stub()
                .getDictionary(
                    GetDictionaryRequest.newBuilder().setName("dictionaries/first").build()))
        .isEqualTo(dictionary);
    assertThat(
            client
                .stub()
                .listDictionaries(ListDictionariesRequest.getDefaultInstance())
                .getDictionariesList())
        .contains(dictionary);
  }

  @Test
  void evaluatesIt() throws Exception {
    client.createCorpus("held-out", SaeClient.randomRows(40, 99));
    Operation operation =
        client
            .stub()
            .evaluateDictionary(
                EvaluateDictionaryRequest.newBuilder()
                    .setDictionary("dictionaries/first")
                    .setCorpus("corpora/held-out")
                    .setMaxRows(30)
                    .build());
    Evaluation evaluation =
        client.await(operation.getName()).getResponse().unpack(Evaluation.class);
    long expected =
        SaeClient.randomRows(40, 99).stream().limit(30).mapToLong(row -> row.length - 1).sum();
    assertThat(evaluation.getActivations()).isEqualTo(expected);
    assertThat(evaluation.getL0()).isBetween(1.0, 8.0);
    assertThat(evaluation.getExplainedVariance()).isBetween(0.5, 1.0);
    assertThat(evaluation.getCosineSimilarity()).isBetween(0.5, 1.0);
    assertThat(evaluation.getDensity().getCountsList().stream().mapToLong(c -> c).sum())
        .isEqualTo(96);
    assertThat(evaluation.getDensity().getEdgesCount())
        .isEqualTo(evaluation.getDensity().getCountsCount() + 1);
    assertThat(evaluation.getCeClean()).isPositive();
    assertThat(evaluation.getCeSpliced()).isNotEqualTo(evaluation.getCeClean());
    double recovered =
        (evaluation.getCeZeroAblated() - evaluation.getCeSpliced())
            / (evaluation.getCeZeroAblated() - evaluation.getCeClean());
    assertThat(evaluation.getCeRecovered()).isCloseTo(recovered, within(1e-9));
  }

  @Test
  void publishesItsFeatures() throws Exception {
    Operation operation =
        client
            .stub()
            .publishFeatures(
                PublishFeaturesRequest.newBuilder()
                    .setDictionary("dictionaries/first")
                    .setCorpus("corpora/texts")
                    .setExamples(4)
                    .build());
    PublishFeaturesResult result =
        client.await(operation.getName()).getResponse().unpack(PublishFeaturesResult.class);
    assertThat(result.getFeatures()).isEqualTo(96);
    assertThat(result.getActivations()).isEqualTo(corpus.getTokens() - corpus.getRows());
    ManagedChannel channel = Channels.plaintext("127.0.0.1:" + features.port());
    try {
      var store = FeatureStoreServiceGrpc.newBlockingStub(channel);
      Feature often =
          store
              .listFeatures(
                  ListFeaturesRequest.newBuilder()
                      .setParent("dictionaries/first")
                      .setOrderBy("max_activation desc")
                      .setPageSize(1)
                      .build())
              .getFeatures(0);
      Feature feature =
          store.getFeature(GetFeatureRequest.newBuilder().setName(often.getName()).build());
      assertPublished(feature);
    } finally {
      Channels.close(channel);
    }
  }

  private static void assertPublished(Feature feature) {
    long fired = feature.getHistogram().getCountsList().stream().mapToLong(c -> c).sum();
    assertThat(feature.getStatistics().getDensity())
        .isCloseTo((double) fired / feature.getStatistics().getActivations(), within(1e-9));
    assertThat(feature.getExamplesCount()).isEqualTo(4);
    FeatureExample strongest = feature.getExamples(0);
    assertThat((double) strongest.getValues(strongest.getPeak()))
        .isCloseTo(feature.getStatistics().getMaxActivation(), within(1e-5));
    assertThat(strongest.getTokensCount()).isEqualTo(strongest.getValuesCount());
    assertThat(strongest.getTokensList()).noneMatch(String::isEmpty);
    float before = Float.MAX_VALUE;
    for (FeatureExample example : feature.getExamplesList()) {
      float peak = example.getValues(example.getPeak());
      assertThat(example.getValuesList()).allMatch(value -> value <= peak);
      assertThat(peak).isLessThanOrEqualTo(before);
      before = peak;
    }
    assertThat(feature.getTopLogitsCount()).isEqualTo(10);
    assertThat(feature.getTopLogits(0).getLogit())
        .isGreaterThan(feature.getBottomLogits(0).getLogit());
    assertThat(feature.getNeighboursCount()).isEqualTo(10);
    assertThat(feature.getNeighbours(0).getCosine())
        .isBetween(feature.getNeighbours(9).getCosine(), 1f);
  }

  @Test
  void rowsOfOneTokenAreNeitherMeasuredNorPublished() throws Exception {
    client.createCorpus("dull", List.of(new int[] {5}, new int[] {6}));
    client.createCorpus("begins-dull", List.of(new int[] {5}, new int[] {6, 7}));
    PublishFeaturesRequest.Builder publish =
        PublishFeaturesRequest.newBuilder().setDictionary("dictionaries/first");
    EvaluateDictionaryRequest.Builder evaluate =
        EvaluateDictionaryRequest.newBuilder().setDictionary("dictionaries/first");
    assertThatThrownBy(
            () -> client.stub().publishFeatures(publish.setCorpus("corpora/dull").build()))
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.INVALID_VALUE));
    assertThatThrownBy(
            () -> client.stub().evaluateDictionary(evaluate.setCorpus("corpora/dull").build()))
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.INVALID_VALUE));
    for (Operation operation :
        List.of(
            client
                .stub()
                .publishFeatures(publish.setCorpus("corpora/begins-dull").setMaxRows(1).build()),
            client
                .stub()
                .evaluateDictionary(
                    evaluate.setCorpus("corpora/begins-dull").setMaxRows(1).build()))) {
      assertThat(LoupeErrors.reason(client.await(operation.getName()).getError()))
          .contains(ErrorReason.INVALID_VALUE);
    }
  }

  @Test
  void saysInItsFilesWhetherRowsBeginWithTheBeginningOfText() throws Exception {
    List<int[]> rows = SaeClient.randomRows(40, 3);
    rows.forEach(row -> row[0] = 5);
    client.createCorpus("headless", rows);
    Operation operation =
        client
            .stub()
            .trainDictionary(
                SaeClient.training("headless", 3).setCorpus("corpora/headless").build());
    assertThat(client.await(operation.getName()).hasResponse()).isTrue();
    assertThat(Files.readString(folder.resolve("sae/dictionaries/first/cfg.json")))
        .contains("\"prepend_bos\" : true");
    assertThat(Files.readString(folder.resolve("sae/dictionaries/headless/cfg.json")))
        .contains("\"prepend_bos\" : false");
  }

  @Test
  void givesFeatureVectorsThatReproduceTheEncoding() {
    GetFeatureVectorsResponse vectors =
        client
            .stub()
            .getFeatureVectors(
                GetFeatureVectorsRequest.newBuilder()
                    .setDictionary("dictionaries/first")
                    .addFeatures(5)
                    .addFeatures(95)
                    .build());
    assertThat(vectors.getFeaturesCount()).isEqualTo(2);
    assertThat(vectors.getFeatures(1).getFeature()).isEqualTo(95);
    assertThat(vectors.getDecoderBiasCount()).isEqualTo(TinyInference.D_MODEL);
    assertThat(vectors.getSubtractsDecoderBias()).isTrue();
    double norm = vectors.getFeatures(0).getDecoderList().stream().mapToDouble(v -> v * v).sum();
    assertThat(norm).isCloseTo(1, within(1e-4));
  }

  @Test
  void trainsAStandardDictionary() throws Exception {
    Operation operation =
        client
            .stub()
            .trainDictionary(
                SaeClient.training("plain", 40)
                    .setStandard(StandardArchitecture.newBuilder().setL1Coefficient(0.5f))
                    .build());
    Dictionary plain = client.await(operation.getName()).getResponse().unpack(Dictionary.class);
    assertThat(plain.getStandard().getL1Coefficient()).isEqualTo(0.5f);
    assertThat(server.registry().get("loupe.sae.trained").counter().count())
        .isGreaterThanOrEqualTo(40 * 64);
  }
}
