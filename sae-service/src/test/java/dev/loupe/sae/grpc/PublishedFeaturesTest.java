package dev.loupe.sae.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.longrunning.Operation;
import dev.loupe.features.FeatureStoreServer;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureExample;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.features.v1.GetFeatureRequest;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.features.v1.SearchFeaturesRequest;
import dev.loupe.proto.features.v1.TokenEffect;
import dev.loupe.proto.inference.v1.AddDirection;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.ProjectToVocabularyRequest;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.TokenLogit;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.proto.inference.v1.VocabularyProjection;
import dev.loupe.proto.sae.v1.GetFeatureVectorsRequest;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.sae.SaeClient;
import dev.loupe.sae.SaeConfig;
import dev.loupe.sae.SaeServer;
import dev.loupe.sae.TinyInference;
import dev.loupe.server.Channels;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import io.grpc.ManagedChannel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is published of a feature, held to what the model itself does. */
class PublishedFeaturesTest {
  private static final int ROWS = 60;
  private static final String PARENT = "dictionaries/first";

  /** The last residual stream: all that is added here reaches the logits by the last norm alone. */
  private static final String HOOK_POINT = "blocks.2.hook_resid_post";

  @TempDir static Path folder;
  private static TinyInference inference;
  private static FeatureStoreServer features;
  private static SaeServer server;
  private static SaeClient client;
  private static ManagedChannel storeChannel;
  private static ManagedChannel inferenceChannel;

  @BeforeAll
  static void train() {
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
    storeChannel = Channels.plaintext("127.0.0.1:" + features.port());
    inferenceChannel = Channels.plaintext(inference.target());
    client.createCorpus("texts", SaeClient.randomRows(ROWS, 3));
    Operation training =
        client
            .stub()
            .trainDictionary(SaeClient.training("first", 60).setHookPoint(HOOK_POINT).build());
    assertThat(client.await(training.getName()).hasResponse()).isTrue();
  }

  @AfterAll
  static void close() {
    Channels.close(inferenceChannel);
    Channels.close(storeChannel);
    client.close();
    server.close();
    features.close();
    inference.close();
  }

  @Test
  void aLogitIsWhatOneUnitAddsThroughTheLastLayerNorm() {
    publish("corpora/texts");
    Feature feature = strongest();
    float[] direction = direction(feature);
    float[] added = addedBeforeTheUnembedding(direction);
    VocabularyProjection measured = project(added);
    assertSame(feature.getTopLogitsList(), measured.getTopList());
    assertSame(feature.getBottomLogitsList(), measured.getBottomList());
    VocabularyProjection raw = project(direction);
    assertSame(feature.getRawTopLogitsList(), raw.getTopList());
    assertSame(feature.getRawBottomLogitsList(), raw.getBottomList());
    // The two are not the same, or this would show nothing.
    assertThat(feature.getTopLogits(0).getLogit())
        .isNotCloseTo(feature.getRawTopLogits(0).getLogit(), within(0.02f));
    assertThat(feature.getFinalNormScale()).isPositive();
  }

  @Test
  void examplesAreWholeTextsAndNoTwoTheSame() {
    int[] row = row("Café, é");
    int[] other = row("Éa é");
    List<int[]> rows = new ArrayList<>(Collections.nCopies(30, row));
    rows.add(other);
    client.createCorpus("cafes", rows);
    publish("corpora/cafes");
    Feature feature = strongest();
    assertThat(feature.getExamplesList())
        .extracting(FeatureExample::getText)
        .doesNotHaveDuplicates();
    FeatureExample example =
        feature.getExamplesList().stream()
            .filter(e -> e.getText().contains("Café, é"))
            .findFirst()
            .orElseThrow();
    assertThat(example.getIdsList()).containsExactlyElementsOf(ids(row));
    assertThat(example.getText()).isEqualTo("<|endoftext|>Café, é");
    assertThat(example.getTokensList()).contains("C", "\ufffd");
    assertThat(example.getByteEndsCount()).isEqualTo(row.length);
    assertThat(example.getByteEnds(row.length - 1))
        .isEqualTo(example.getText().getBytes(StandardCharsets.UTF_8).length);
    var found =
        FeatureStoreServiceGrpc.newBlockingStub(storeChannel)
            .searchFeatures(
                SearchFeaturesRequest.newBuilder().setParent(PARENT).setQuery("cafe").build());
    assertThat(found.getMatchesList())
        .extracting(match -> match.getFeature().getName())
        .contains(feature.getName());
  }

  /**
   * The mean over the corpus's positions from 1 on of what a small multiple of a direction, added
   * at the dictionary's hook point, adds to the unembedding's input, for one whole unit.
   */
  private static float[] addedBeforeTheUnembedding(float[] direction) {
    double step = 0.05;
    double[] sum = new double[direction.length];
    float[] up = unembedded(direction, step);
    float[] down = unembedded(direction, -step);
    for (int at = 0; at < up.length; at++) {
      sum[at % direction.length] += up[at] - down[at];
    }
    int positions = up.length / direction.length;
    float[] mean = new float[direction.length];
    for (int i = 0; i < mean.length; i++) {
      mean[i] = (float) (sum[i] / positions / (2 * step));
    }
    return mean;
  }

  /** The input of the unembedding at all positions from 1 on, one after another. */
  private static float[] unembedded(float[] direction, double factor) {
    List<int[]> rows = SaeClient.randomRows(ROWS, 3);
    AddDirection.Builder add = AddDirection.newBuilder().setCoefficient((float) factor);
    for (float value : direction) {
      add.addDirection(value);
    }
    RunForwardPassRequest.Builder request =
        RunForwardPassRequest.newBuilder()
            .setModel(TinyInference.MODEL)
            .addCaptures(Capture.newBuilder().setHookPoint("unembed.hook_in"))
            .addInterventions(
                Intervention.newBuilder().setHookPoint(HOOK_POINT).setAddDirection(add));
    rows.forEach(
        row ->
            request.addPrompts(
                Prompt.newBuilder().setTokens(TokenRow.newBuilder().addAllIds(ids(row)))));
    HostTensor tensor =
        TensorMessages.fromMessage(
                InferenceServiceGrpc.newBlockingStub(inferenceChannel)
                    .runForwardPass(request.build())
                    .getActivations(0)
                    .getValue(),
                1 << 24)
            .tensor();
    int longest = (int) tensor.shape()[1];
    int width = direction.length;
    int positions = rows.stream().mapToInt(row -> row.length - 1).sum();
    FloatBuffer values = tensor.data().asFloatBuffer();
    float[] all = new float[positions * width];
    int next = 0;
    for (int row = 0; row < rows.size(); row++) {
      int count = (rows.get(row).length - 1) * width;
      values.get((row * longest + 1) * width, all, next, count);
      next += count;
    }
    return all;
  }

  private static VocabularyProjection project(float[] vector) {
    LabelledTensor tensor =
        new LabelledTensor(
            HostTensor.ofFloats(vector, 1, vector.length), List.of("row", "d_model"));
    return NeuronServiceGrpc.newBlockingStub(inferenceChannel)
        .projectToVocabulary(
            ProjectToVocabularyRequest.newBuilder()
                .setModel(TinyInference.MODEL)
                .setDirections(TensorMessages.toMessage(tensor))
                .build())
        .getProjections(0);
  }

  private static void assertSame(List<TokenEffect> published, List<TokenLogit> measured) {
    assertThat(published).hasSameSizeAs(measured);
    float largest = Math.abs(measured.get(0).getLogit());
    for (int i = 0; i < published.size(); i++) {
      assertThat(published.get(i).getLogit())
          .as("place %d", i)
          .isCloseTo(measured.get(i).getLogit(), within(0.003f * largest));
    }
    assertThat(published.get(0).getId()).isEqualTo(measured.get(0).getId());
  }

  private static float[] direction(Feature feature) {
    String name = feature.getName();
    List<Float> decoder =
        client
            .stub()
            .getFeatureVectors(
                GetFeatureVectorsRequest.newBuilder()
                    .setDictionary(PARENT)
                    .addFeatures(Integer.parseInt(name.substring(name.lastIndexOf('/') + 1)))
                    .build())
            .getFeatures(0)
            .getDecoderList();
    float[] direction = new float[decoder.size()];
    for (int i = 0; i < direction.length; i++) {
      direction[i] = decoder.get(i);
    }
    return direction;
  }

  private static void publish(String corpus) {
    Operation operation =
        client
            .stub()
            .publishFeatures(
                PublishFeaturesRequest.newBuilder()
                    .setDictionary(PARENT)
                    .setCorpus(corpus)
                    .setExamples(4)
                    .build());
    assertThat(client.await(operation.getName()).hasResponse()).isTrue();
  }

  private static Feature strongest() {
    var store = FeatureStoreServiceGrpc.newBlockingStub(storeChannel);
    String name =
        store
            .listFeatures(
                ListFeaturesRequest.newBuilder()
                    .setParent(PARENT)
                    .setOrderBy("max_activation desc")
                    .setPageSize(1)
                    .build())
            .getFeatures(0)
            .getName();
    return store.getFeature(GetFeatureRequest.newBuilder().setName(name).build());
  }

  /**
   * A token for each byte of a text: the tiny tokenizer leaves out the two that UTF-8 never has.
   */
  private static int[] row(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[utf8.length + 1];
    ids[0] = TinyInference.BOS;
    for (int i = 0; i < utf8.length; i++) {
      int value = utf8[i] & 0xff;
      ids[i + 1] = value < 0xc0 ? value : value - 2;
    }
    return ids;
  }

  private static List<Integer> ids(int[] row) {
    List<Integer> ids = new ArrayList<>();
    for (int id : row) {
      ids.add(id);
    }
    return ids;
  }
}
