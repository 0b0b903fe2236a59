package dev.loupe.sae.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.longrunning.Operation;
import dev.loupe.proto.sae.v1.Dictionary;
import dev.loupe.proto.sae.v1.EvaluateDictionaryRequest;
import dev.loupe.proto.sae.v1.Evaluation;
import dev.loupe.proto.sae.v1.GetDictionaryRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesResult;
import dev.loupe.proto.sae.v1.SetDictionaryModelRequest;
import dev.loupe.sae.SaeClient;
import dev.loupe.sae.SaeConfig;
import dev.loupe.sae.SaeServer;
import dev.loupe.sae.TinyInference;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.golden.Golden;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One model goes by many names: in files of others, and from one server to the next. */
class ModelNamesApiTest {
  @TempDir static Path folder;
  private static TinyInference inference;
  private static dev.loupe.features.FeatureStoreServer features;
  private static SaeServer server;
  private static SaeClient client;

  @BeforeAll
  static void start() throws Exception {
    inference = TinyInference.startMany(folder, "gpt2", "copy", "other");
    features =
        dev.loupe.features.FeatureStoreServer.start(
            "jdbc:sqlite:" + folder.resolve("features.db"),
            "127.0.0.1",
            0,
            new io.micrometer.core.instrument.simple.SimpleMeterRegistry());
    importAs("small", "gpt2-small", "blocks.1.hook_out");
    importAs("hub", "openai-community/gpt2", "blocks.1.hook_resid_post");
    importAs("own", "my-run-7", "blocks.1.hook_resid_post");
    importAs("assigned", "my-run-8", "blocks.0.hook_resid_pre");
    server =
        SaeServer.start(
            SaeConfig.of(
                folder.resolve("sae"), inference.target(), "127.0.0.1:" + features.port()));
    client = new SaeClient(server.target());
    client.createCorpus("texts", "models/gpt2", SaeClient.randomRows(20, 3));
    client.createCorpus("copied", "models/copy", SaeClient.randomRows(20, 3));
    client.createCorpus("others", "models/other", SaeClient.randomRows(20, 3));
  }

  @AfterAll
  static void close() {
    client.close();
    server.close();
    features.close();
    inference.close();
  }

  /** A golden dictionary whose cfg.json names another model and hook point. */
  private static void importAs(String id, String model, String hookPoint) throws Exception {
    Path from =
        Golden.copy(
            folder.resolve("golden"), "saelens/topk", "cfg.json", "sae_weights.safetensors");
    String config = Files.readString(from.resolve("cfg.json"));
    config = config.replaceAll("(\"model_name\": *)\"[^\"]*\"", "$1\"" + model + "\"");
    config = config.replaceAll("(\"hook_name\": *)\"[^\"]*\"", "$1\"" + hookPoint + "\"");
    Files.writeString(from.resolve("cfg.json"), config);
    Path dictionaries = folder.resolve("sae/dictionaries");
    Files.createDirectories(dictionaries);
    Files.move(from, dictionaries.resolve(id));
  }

  private static Dictionary get(String id) {
    return client
        .stub()
        .getDictionary(GetDictionaryRequest.newBuilder().setName("dictionaries/" + id).build());
  }

  private static Evaluation evaluated(String dictionary, String corpus) throws Exception {
    Operation operation =
        client
            .stub()
            .evaluateDictionary(
                EvaluateDictionaryRequest.newBuilder()
                    .setDictionary("dictionaries/" + dictionary)
                    .setCorpus("corpora/" + corpus)
                    .build());
    Operation done = client.await(operation.getName());
    assertThat(done.getError().getMessage()).isEmpty();
    return done.getResponse().unpack(Evaluation.class);
  }

  private static void mismatch(String dictionary, String corpus) {
    assertThatThrownBy(() -> evaluated(dictionary, corpus))
        .hasMessageContaining("SetDictionaryModel")
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).hasValue(ErrorReason.MODEL_MISMATCH));
  }

  private static SetDictionaryModelRequest.Builder assign(String id, String model) {
    return SetDictionaryModelRequest.newBuilder().setName("dictionaries/" + id).setModel(model);
  }

  @Test
  void theNamesThatEverybodyUsesAreOne() throws Exception {
    assertThat(get("small").getModel()).isEqualTo("models/gpt2");
    assertThat(get("hub").getModel()).isEqualTo("models/gpt2");
    assertThat(evaluated("small", "texts")).isEqualTo(evaluated("hub", "texts"));
  }

  @Test
  void modelsWithTheSameWeightsAreOne() throws Exception {
    assertThat(evaluated("small", "copied")).isEqualTo(evaluated("small", "texts"));
    mismatch("small", "others");
    mismatch("own", "texts");
  }

  @Test
  void anImportedDictionaryIsToldItsModelAndHookPoint() throws Exception {
    mismatch("assigned", "texts");
    Dictionary assigned =
        client
            .stub()
            .setDictionaryModel(
                assign("assigned", "models/gpt2-small").setHookPoint("blocks.1.hook_out").build())
            .getDictionary();
    assertThat(assigned.getModel()).isEqualTo("models/gpt2");
    assertThat(assigned.getHookPoint()).isEqualTo("blocks.1.hook_resid_post");
    assertThat(assigned.getModelWeightsSha256()).matches("[0-9a-f]{64}");
    assertThat(get("assigned")).isEqualTo(assigned);
    assertThat(assigned.getWeightsSha256()).isEqualTo(get("own").getWeightsSha256());
    assertThat(evaluated("assigned", "texts")).isEqualTo(evaluated("small", "texts"));
    assertFails(assign("own", "models/none"), ErrorReason.MODEL_NOT_FOUND);
    assertFails(
        assign("own", "models/gpt2").setHookPoint("blocks.1.hook_resid_pos"),
        ErrorReason.UNKNOWN_HOOK_POINT);
    assertFails(
        assign("own", "models/gpt2").setHookPoint("blocks.1.mlp.hook_pre"),
        ErrorReason.WRONG_SHAPE);
    assertThat(get("own").getModel()).isEqualTo("models/my-run-7");
  }

  private static void assertFails(SetDictionaryModelRequest.Builder request, ErrorReason reason) {
    assertThatThrownBy(() -> client.stub().setDictionaryModel(request.build()))
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).hasValue(reason));
  }

  @Test
  void trainsAndPublishesUnderAnyName() throws Exception {
    Operation training =
        client
            .stub()
            .trainDictionary(
                SaeClient.training("trained", 4)
                    .setModel("models/gpt2-small")
                    .setHookPoint("blocks.1.hook_out")
                    .setCorpus("corpora/copied")
                    .build());
    Operation done = client.await(training.getName());
    assertThat(done.getError().getMessage()).isEmpty();
    Dictionary trained = done.getResponse().unpack(Dictionary.class);
    assertThat(trained.getModel()).isEqualTo("models/gpt2");
    assertThat(trained.getHookPoint()).isEqualTo("blocks.1.hook_resid_post");
    assertThat(trained.getModelWeightsSha256()).matches("[0-9a-f]{64}");
    Operation publication =
        client
            .stub()
            .publishFeatures(
                PublishFeaturesRequest.newBuilder()
                    .setDictionary("dictionaries/small")
                    .setCorpus("corpora/copied")
                    .build());
    Operation published = client.await(publication.getName());
    assertThat(published.getError().getMessage()).isEmpty();
    assertThat(published.getResponse().unpack(PublishFeaturesResult.class).getFeatures())
        .isEqualTo(get("small").getDSae());
  }
}
