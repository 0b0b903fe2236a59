package dev.loupe.sae.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.loupe.proto.sae.v1.CorpusHeader;
import dev.loupe.proto.sae.v1.CorpusRow;
import dev.loupe.proto.sae.v1.CorpusRows;
import dev.loupe.proto.sae.v1.CreateCorpusRequest;
import dev.loupe.proto.sae.v1.DecodeFeaturesRequest;
import dev.loupe.proto.sae.v1.DeleteCorpusRequest;
import dev.loupe.proto.sae.v1.DeleteDictionaryRequest;
import dev.loupe.proto.sae.v1.DictionaryHeader;
import dev.loupe.proto.sae.v1.DictionaryProblem;
import dev.loupe.proto.sae.v1.EncodeActivationsRequest;
import dev.loupe.proto.sae.v1.EncodeActivationsResponse;
import dev.loupe.proto.sae.v1.EvaluateDictionaryRequest;
import dev.loupe.proto.sae.v1.GetCorpusRequest;
import dev.loupe.proto.sae.v1.GetDictionaryRequest;
import dev.loupe.proto.sae.v1.GetFeatureVectorsRequest;
import dev.loupe.proto.sae.v1.GetFeatureVectorsResponse;
import dev.loupe.proto.sae.v1.ListDictionariesRequest;
import dev.loupe.proto.sae.v1.ListDictionariesResponse;
import dev.loupe.proto.sae.v1.PublishFeaturesRequest;
import dev.loupe.proto.sae.v1.SparseRows;
import dev.loupe.proto.sae.v1.TopKArchitecture;
import dev.loupe.proto.sae.v1.TrainDictionaryRequest;
import dev.loupe.proto.sae.v1.TrainingSchedule;
import dev.loupe.proto.sae.v1.WatchTrainingRequest;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.sae.SaeClient;
import dev.loupe.sae.SaeConfig;
import dev.loupe.sae.SaeServer;
import dev.loupe.sae.TinyInference;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import dev.loupe.testkit.golden.GoldenFile;
import io.grpc.stub.StreamObserver;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** What callers get for requests that cannot be met; and encoding and decoding over streams. */
class BadRequestTest {
  private static final String TOPK = "dictionaries/imported";
  private static final int D_IN = 32;
  @TempDir static Path folder;
  private static TinyInference inference;
  private static SaeServer server;
  private static SaeClient client;

  @BeforeAll
  static void start() throws Exception {
    inference = TinyInference.start(folder);
    Path dictionaries = folder.resolve("sae/dictionaries");
    importGolden(dictionaries, "topk", "imported");
    importGolden(dictionaries, "jumprelu", "other");
    importGolden(dictionaries, "standard_layer_norm", "normalized");
    importGolden(dictionaries, "standard_no_b_dec", "unbiased");
    importGolden(dictionaries, "standard", "Bad_Name");
    importGolden(dictionaries, "standard", "cut");
    Path weights = dictionaries.resolve("cut/sae_weights.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, Arrays.copyOf(bytes, bytes.length / 2));
    server =
        SaeServer.start(SaeConfig.of(folder.resolve("sae"), inference.target(), "127.0.0.1:1"));
    client = new SaeClient(server.target());
    client.createCorpus("texts", SaeClient.randomRows(20, 3));
    client.createCorpus("dull", List.of(new int[] {5}, new int[] {6}));
  }

  @AfterAll
  static void close() {
    client.close();
    server.close();
    inference.close();
  }

  private static void importGolden(Path dictionaries, String golden, String id) throws Exception {
    Path from =
        Golden.copy(
            folder.resolve("golden"), "saelens/" + golden, "cfg.json", "sae_weights.safetensors");
    Files.createDirectories(dictionaries);
    Files.move(from, dictionaries.resolve(id));
  }

  @Test
  void listsWhatCanBeReadAndSaysWhatCannot() {
    ListDictionariesResponse first =
        client.stub().listDictionaries(ListDictionariesRequest.newBuilder().setPageSize(2).build());
    assertThat(first.getDictionariesList())
        .extracting(dev.loupe.proto.sae.v1.Dictionary::getName)
        .containsExactly(TOPK, "dictionaries/normalized");
    assertThat(first.getProblems().getFoldersList())
        .extracting(DictionaryProblem::getFolder)
        .containsExactly("Bad_Name", "cut", "other");
    assertThat(first.getProblems().getFolders(2).getProblem()).contains("jumprelu");
    ListDictionariesResponse second =
        client
            .stub()
            .listDictionaries(
                ListDictionariesRequest.newBuilder()
                    .setPageSize(2)
                    .setPageToken(first.getNextPageToken())
                    .build());
    assertThat(second.getDictionariesList())
        .extracting(dev.loupe.proto.sae.v1.Dictionary::getName)
        .containsExactly("dictionaries/unbiased");
    assertThat(second.hasProblems()).isFalse();
    assertFails(() -> get("dictionaries/cut"), ErrorReason.UNREADABLE_DICTIONARY, "cut");
    assertFails(() -> get("dictionaries/other"), ErrorReason.UNREADABLE_DICTIONARY, "jumprelu");
  }

  @Test
  void theDecoderBiasComesWhetherOrNotItIsSubtractedFromTheInput() {
    GetFeatureVectorsResponse vectors =
        client
            .stub()
            .getFeatureVectors(
                GetFeatureVectorsRequest.newBuilder()
                    .setDictionary("dictionaries/unbiased")
                    .addFeatures(0)
                    .build());
    assertThat(vectors.getDecoderBiasList()).hasSize(D_IN).anyMatch(value -> value != 0);
    assertThat(vectors.getSubtractsDecoderBias()).isFalse();
  }

  @TestFactory
  Stream<DynamicTest> requestsThatName() {
    return Stream.of(
        failing(
            "an unknown dictionary",
            () -> get("dictionaries/none"),
            ErrorReason.DICTIONARY_NOT_FOUND,
            "dictionaries/none"),
        failing(
            "a name that is none",
            () -> get("dictionaries/No/x"),
            ErrorReason.INVALID_NAME,
            "name"),
        failing(
            "an unknown corpus",
            () ->
                client
                    .stub()
                    .getCorpus(GetCorpusRequest.newBuilder().setName("corpora/none").build()),
            ErrorReason.CORPUS_NOT_FOUND,
            "corpora/none"),
        failing(
            "an unknown corpus to delete",
            () ->
                client
                    .stub()
                    .deleteCorpus(DeleteCorpusRequest.newBuilder().setName("corpora/none").build()),
            ErrorReason.CORPUS_NOT_FOUND,
            "corpora/none"),
        failing(
            "an unknown dictionary to delete",
            () ->
                client
                    .stub()
                    .deleteDictionary(
                        DeleteDictionaryRequest.newBuilder().setName("dictionaries/none").build()),
            ErrorReason.DICTIONARY_NOT_FOUND,
            "dictionaries/none"),
        failing(
            "a taken corpus id",
            () -> client.createCorpus("texts", SaeClient.randomRows(2, 1)),
            ErrorReason.CORPUS_EXISTS,
            "corpora/texts"),
        failing(
            "a corpus without rows",
            () -> client.createCorpus("void", List.of()),
            ErrorReason.INVALID_VALUE,
            "rows"),
        failing(
            "a row without ids",
            () -> client.createCorpus("void", List.of(new int[0])),
            ErrorReason.EMPTY_PROMPT,
            "rows[0]"),
        failing(
            "a row that is too long",
            () -> client.createCorpus("void", List.of(new int[49])),
            ErrorReason.PROMPT_TOO_LONG,
            "48"),
        failing(
            "a token that is none",
            () -> client.createCorpus("void", List.of(new int[] {1, 211})),
            ErrorReason.TOKEN_OUT_OF_RANGE,
            "rows[0].ids[1]"),
        failing(
            "a feature that is none", () -> vectors(96), ErrorReason.FEATURE_NOT_FOUND, "0 to 95"),
        failing("a negative feature", () -> vectors(-1), ErrorReason.FEATURE_NOT_FOUND, "-1"),
        failing(
            "an operation that is none",
            () ->
                client
                    .stub()
                    .watchTraining(
                        WatchTrainingRequest.newBuilder()
                            .setOperation("dictionaries/a/operations/b")
                            .build())
                    .next(),
            ErrorReason.OPERATION_NOT_FOUND,
            "dictionaries/a/operations/b"),
        failing(
            "a dictionary to evaluate that is none",
            () ->
                client
                    .stub()
                    .evaluateDictionary(
                        EvaluateDictionaryRequest.newBuilder()
                            .setDictionary("dictionaries/none")
                            .setCorpus("corpora/texts")
                            .build()),
            ErrorReason.DICTIONARY_NOT_FOUND,
            "dictionaries/none"),
        failing(
            "a corpus of another model",
            () ->
                client
                    .stub()
                    .evaluateDictionary(
                        EvaluateDictionaryRequest.newBuilder()
                            .setDictionary(TOPK)
                            .setCorpus("corpora/texts")
                            .build()),
            ErrorReason.MODEL_MISMATCH,
            "models/gpt2-tiny"),
        failing(
            "too many examples",
            () ->
                client
                    .stub()
                    .publishFeatures(
                        PublishFeaturesRequest.newBuilder()
                            .setDictionary(TOPK)
                            .setCorpus("corpora/texts")
                            .setExamples(101)
                            .build()),
            ErrorReason.INVALID_VALUE,
            "examples"));
  }

  @TestFactory
  Stream<DynamicTest> trainingsWith() {
    return Stream.of(
        training(
            "a bad id", r -> r.setDictionaryId("Big"), ErrorReason.INVALID_NAME, "dictionary_id"),
        training(
            "a taken id", r -> r.setDictionaryId("imported"), ErrorReason.DICTIONARY_EXISTS, TOPK),
        training(
            "an unknown model",
            r -> r.setModel("models/none"),
            ErrorReason.MODEL_MISMATCH,
            "models/none"),
        training(
            "an unknown hook point",
            r -> r.setHookPoint("blocks.1.hook_resid_pos"),
            ErrorReason.UNKNOWN_HOOK_POINT,
            "blocks.1.hook_resid_post"),
        training(
            "a pattern",
            r -> r.setHookPoint("blocks.1.attn.hook_pattern"),
            ErrorReason.INVALID_VALUE,
            "hook_point"),
        training(
            "an unknown corpus",
            r -> r.setCorpus("corpora/none"),
            ErrorReason.CORPUS_NOT_FOUND,
            "corpora/none"),
        training(
            "rows of one token",
            r -> r.setCorpus("corpora/dull"),
            ErrorReason.INVALID_VALUE,
            "corpus"),
        training("no features", r -> r.setDSae(0), ErrorReason.INVALID_VALUE, "d_sae"),
        training(
            "no architecture",
            r -> r.clearArchitecture(),
            ErrorReason.INVALID_VALUE,
            "architecture"),
        training(
            "k over d_sae",
            r -> r.setTopk(TopKArchitecture.newBuilder().setK(97)),
            ErrorReason.INVALID_VALUE,
            "topk.k"),
        training(
            "a coefficient that is not a number",
            r -> r.getTopkBuilder().setAuxkCoefficient(Float.NaN),
            ErrorReason.INVALID_VALUE,
            "auxk_coefficient"),
        training("no schedule", r -> r.clearSchedule(), ErrorReason.INVALID_VALUE, "schedule"),
        training(
            "no steps",
            r -> r.getScheduleBuilder().setSteps(0),
            ErrorReason.INVALID_VALUE,
            "schedule.steps"),
        training(
            "a huge batch",
            r -> r.getScheduleBuilder().setBatchSize(65_537),
            ErrorReason.INVALID_VALUE,
            "65536"),
        training(
            "a buffer of one batch",
            r -> r.getScheduleBuilder().setShuffleBufferRows(64),
            ErrorReason.INVALID_VALUE,
            "shuffle_buffer_rows"),
        training(
            "a negative rate",
            r -> r.getScheduleBuilder().setLearningRate(-1),
            ErrorReason.INVALID_VALUE,
            "learning_rate"),
        training(
            "more warm-up than steps",
            r ->
                r.setSchedule(
                    TrainingSchedule.newBuilder().setSteps(5).setBatchSize(4).setWarmupSteps(6)),
            ErrorReason.INVALID_VALUE,
            "warmup_steps"));
  }

  @Test
  void encodesAndDecodesAsSaeLensDoes() {
    GoldenFile expected = Golden.file("saelens/topk/expected.safetensors");
    float[] x = expected.tensor("x").floats();
    List<EncodeActivationsResponse> encoded =
        encode("dictionaries/imported", chunk(x, 12, D_IN), chunk(x, 12, D_IN));
    assertThat(encoded).hasSize(2);
    assertThat(encoded.get(1).getBatch()).isEqualTo(1);
    assertThat(encoded.get(0).getBatchDone()).isTrue();
    SparseRows rows = encoded.get(0).getFeatures();
    assertThat(encoded.get(1).getFeatures()).isEqualTo(rows);
    float[] dense = new float[12 * 96];
    for (int row = 0; row < 12; row++) {
      for (int at = rows.getOffsets(row); at < rows.getOffsets(row + 1); at++) {
        dense[row * 96 + rows.getIndices(at)] = rows.getValues(at);
      }
    }
    GoldenAssert.assertClose("features", dense, expected.tensor("features"));
    SaeClient.Call<dev.loupe.proto.sae.v1.DecodeFeaturesResponse> call = new SaeClient.Call<>();
    StreamObserver<DecodeFeaturesRequest> requests = client.async().decodeFeatures(call);
    requests.onNext(
        DecodeFeaturesRequest.newBuilder()
            .setHeader(DictionaryHeader.newBuilder().setDictionary(TOPK))
            .build());
    requests.onNext(DecodeFeaturesRequest.newBuilder().setFeatures(rows).build());
    requests.onCompleted();
    float[] decoded = new float[12 * D_IN];
    call.all()
        .get(0)
        .getReconstruction()
        .getData()
        .asReadOnlyByteBuffer()
        .order(ByteOrder.LITTLE_ENDIAN)
        .asFloatBuffer()
        .get(decoded);
    GoldenAssert.assertClose("reconstruction", decoded, expected.tensor("reconstruction"));
  }

  @TestFactory
  Stream<DynamicTest> streamsWith() {
    float[] ok = new float[D_IN];
    float[] nan = new float[D_IN];
    nan[7] = Float.NaN;
    TensorChunk cut =
        chunk(new float[2 * D_IN], 2, D_IN).toBuilder()
            .setData(ByteString.copyFrom(new byte[4 * D_IN]))
            .build();
    return Stream.of(
        failing(
            "an unknown dictionary",
            () -> encode("dictionaries/none", chunk(ok, 1, D_IN)),
            ErrorReason.DICTIONARY_NOT_FOUND,
            "none"),
        failing(
            "a truncated dictionary",
            () -> encode("dictionaries/cut", chunk(ok, 1, D_IN)),
            ErrorReason.UNREADABLE_DICTIONARY,
            "cut"),
        failing(
            "activations of another width",
            () -> encode(TOPK, chunk(ok, 2, D_IN / 2)),
            ErrorReason.WRONG_SHAPE,
            "32"),
        failing(
            "activations that are not finite",
            () -> encode(TOPK, chunk(nan, 1, D_IN)),
            ErrorReason.NOT_FINITE,
            "activations"),
        failing("half a batch", () -> encode(TOPK, cut), ErrorReason.INVALID_VALUE, "batch 0"),
        failing(
            "a batch without layout",
            () -> encode(TOPK, TensorChunk.getDefaultInstance()),
            ErrorReason.WRONG_SHAPE,
            "layout"),
        failing(
            "a batch that is too large",
            () -> encode(TOPK, TensorChunk.newBuilder().setLayout(layout(1 << 20, D_IN)).build()),
            ErrorReason.MESSAGE_TOO_LARGE,
            "bytes"),
        failing(
            "offsets that fall",
            () -> decode(TOPK, rows(List.of(0, 2, 1), List.of(1, 2))),
            ErrorReason.WRONG_SHAPE,
            "offsets[2]"),
        failing(
            "offsets of fewer entries",
            () -> decode(TOPK, rows(List.of(0, 1), List.of(1, 2))),
            ErrorReason.WRONG_SHAPE,
            "offsets"),
        failing(
            "a feature that is none",
            () -> decode(TOPK, rows(List.of(0, 1), List.of(96))),
            ErrorReason.FEATURE_NOT_FOUND,
            "96"),
        failing(
            "features out of order",
            () -> decode(TOPK, rows(List.of(0, 2), List.of(4, 3))),
            ErrorReason.INVALID_VALUE,
            "indices[1]"),
        failing(
            "features that need their input",
            () -> decode("dictionaries/normalized", rows(List.of(0, 1), List.of(4))),
            ErrorReason.INVALID_VALUE,
            "normalizes"));
  }

  @Test
  void aHeaderMustComeFirst() {
    SaeClient.Call<EncodeActivationsResponse> call = new SaeClient.Call<>();
    StreamObserver<EncodeActivationsRequest> requests = client.async().encodeActivations(call);
    requests.onNext(
        EncodeActivationsRequest.newBuilder()
            .setActivations(chunk(new float[D_IN], 1, D_IN))
            .build());
    assertFails(call::all, ErrorReason.INVALID_VALUE, "header");
    SaeClient.Call<dev.loupe.proto.sae.v1.Corpus> corpus = new SaeClient.Call<>();
    StreamObserver<CreateCorpusRequest> rows = client.async().createCorpus(corpus);
    rows.onNext(
        CreateCorpusRequest.newBuilder()
            .setRows(CorpusRows.newBuilder().addRows(CorpusRow.newBuilder().addIds(1)))
            .build());
    assertFails(corpus::all, ErrorReason.INVALID_VALUE, "header");
  }

  /** A client that goes away while it uploads leaves no corpus, and the service goes on. */
  @Test
  void aClientThatGoesAwayLeavesNothing() throws Exception {
    SaeClient.Call<dev.loupe.proto.sae.v1.Corpus> call = new SaeClient.Call<>();
    try (SaeClient leaving = new SaeClient(server.target())) {
      StreamObserver<CreateCorpusRequest> requests = leaving.async().createCorpus(call);
      requests.onNext(
          CreateCorpusRequest.newBuilder()
              .setHeader(
                  CorpusHeader.newBuilder().setCorpusId("left").setModel(TinyInference.MODEL))
              .build());
      requests.onNext(
          CreateCorpusRequest.newBuilder()
              .setRows(CorpusRows.newBuilder().addRows(CorpusRow.newBuilder().addIds(1)))
              .build());
      Path corpora = folder.resolve("sae/corpora");
      awaitEntries(corpora, ".partial-left", true);
      leaving.close();
      awaitEntries(corpora, ".partial-left", false);
      assertThat(corpora.resolve("left")).doesNotExist();
    }
    assertThat(client.createCorpus("left", SaeClient.randomRows(2, 1)).getRows()).isEqualTo(2);
  }

  private static void awaitEntries(Path root, String prefix, boolean present) throws Exception {
    boolean found;
    do {
      SaeClient.pause();
      try (Stream<Path> entries = Files.list(root)) {
        found = entries.anyMatch(entry -> entry.getFileName().toString().startsWith(prefix));
      }
    } while (found != present);
  }

  private static void get(String name) {
    client.stub().getDictionary(GetDictionaryRequest.newBuilder().setName(name).build());
  }

  private static void vectors(int feature) {
    client
        .stub()
        .getFeatureVectors(
            GetFeatureVectorsRequest.newBuilder().setDictionary(TOPK).addFeatures(feature).build());
  }

  private static List<EncodeActivationsResponse> encode(String dictionary, TensorChunk... chunks) {
    SaeClient.Call<EncodeActivationsResponse> call = new SaeClient.Call<>();
    StreamObserver<EncodeActivationsRequest> requests = client.async().encodeActivations(call);
    requests.onNext(
        EncodeActivationsRequest.newBuilder()
            .setHeader(DictionaryHeader.newBuilder().setDictionary(dictionary))
            .build());
    for (TensorChunk chunk : chunks) {
      requests.onNext(EncodeActivationsRequest.newBuilder().setActivations(chunk).build());
    }
    requests.onCompleted();
    return call.all();
  }

  private static void decode(String dictionary, SparseRows rows) {
    SaeClient.Call<dev.loupe.proto.sae.v1.DecodeFeaturesResponse> call = new SaeClient.Call<>();
    StreamObserver<DecodeFeaturesRequest> requests = client.async().decodeFeatures(call);
    requests.onNext(
        DecodeFeaturesRequest.newBuilder()
            .setHeader(DictionaryHeader.newBuilder().setDictionary(dictionary))
            .build());
    requests.onNext(DecodeFeaturesRequest.newBuilder().setFeatures(rows).build());
    requests.onCompleted();
    call.all();
  }

  private static SparseRows rows(List<Integer> offsets, List<Integer> indices) {
    SparseRows.Builder rows = SparseRows.newBuilder().addAllOffsets(offsets).addAllIndices(indices);
    indices.forEach(index -> rows.addValues(1));
    return rows.build();
  }

  private static TensorLayout layout(long rows, long width) {
    return TensorLayout.newBuilder()
        .setDtype(DType.DTYPE_F32)
        .addAxes(Axis.newBuilder().setName("row").setSize(rows))
        .addAxes(Axis.newBuilder().setName("d_model").setSize(width))
        .build();
  }

  private static TensorChunk chunk(float[] values, int rows, int width) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return TensorChunk.newBuilder()
        .setLayout(layout(rows, width))
        .setData(ByteString.copyFrom(bytes.array()))
        .build();
  }

  private static DynamicTest training(
      String what,
      Consumer<TrainDictionaryRequest.Builder> change,
      ErrorReason reason,
      String said) {
    TrainDictionaryRequest.Builder request = SaeClient.training("new", 10);
    change.accept(request);
    return failing(what, () -> client.stub().trainDictionary(request.build()), reason, said);
  }

  private static DynamicTest failing(
      String what, ThrowingCallable call, ErrorReason reason, String said) {
    return DynamicTest.dynamicTest(what, () -> assertFails(call, reason, said));
  }

  private static void assertFails(ThrowingCallable call, ErrorReason reason, String said) {
    assertThatThrownBy(call)
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(reason))
        .hasMessageContaining(said);
  }
}
