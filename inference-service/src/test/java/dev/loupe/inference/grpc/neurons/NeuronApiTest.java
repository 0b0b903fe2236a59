package dev.loupe.inference.grpc.neurons;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.ComputeNeuronEffectsRequest;
import dev.loupe.proto.inference.v1.EmbeddingTerm;
import dev.loupe.proto.inference.v1.EmbeddingVector;
import dev.loupe.proto.inference.v1.FindNearestTokensRequest;
import dev.loupe.proto.inference.v1.FindNearestTokensResponse;
import dev.loupe.proto.inference.v1.NearToken;
import dev.loupe.proto.inference.v1.NeuronExample;
import dev.loupe.proto.inference.v1.NeuronGroup;
import dev.loupe.proto.inference.v1.NeuronReport;
import dev.loupe.proto.inference.v1.ScanNeuronsHeader;
import dev.loupe.proto.inference.v1.ScanNeuronsRequest;
import dev.loupe.proto.inference.v1.ScanNeuronsResponse;
import dev.loupe.proto.inference.v1.Similarity;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.proto.inference.v1.VocabularyProjection;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenTensor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Neurons and embeddings over real sockets, against golden values to 1e-4 of the largest. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NeuronApiTest {
  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private static ScanNeuronsHeader.Builder header(String hookPoint, Integer... indices) {
    return ScanNeuronsHeader.newBuilder()
        .setModel(TinyServer.MODEL)
        .addNeurons(
            NeuronGroup.newBuilder().setHookPoint(hookPoint).addAllIndices(List.of(indices)));
  }

  private static TokenBatch batch(long id, int[]... rows) {
    TokenBatch.Builder batch = TokenBatch.newBuilder().setBatchId(id);
    Arrays.stream(rows).forEach(row -> batch.addRows(TinyServer.row(row)));
    return batch.build();
  }

  /** Sends a whole corpus, and waits for the end. */
  private static List<ScanNeuronsResponse> scan(
      TinyServer server, ScanNeuronsHeader.Builder header, TokenBatch... batches) throws Exception {
    List<ScanNeuronsResponse> responses = new ArrayList<>();
    CompletableFuture<List<ScanNeuronsResponse>> end = new CompletableFuture<>();
    StreamObserver<ScanNeuronsRequest> requests =
        server
            .asyncNeurons()
            .scanNeurons(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ScanNeuronsResponse response) {
                    responses.add(response);
                  }

                  @Override
                  public void onError(Throwable failure) {
                    end.completeExceptionally(failure);
                  }

                  @Override
                  public void onCompleted() {
                    end.complete(responses);
                  }
                });
    requests.onNext(ScanNeuronsRequest.newBuilder().setHeader(header).build());
    for (TokenBatch batch : batches) {
      requests.onNext(ScanNeuronsRequest.newBuilder().setBatch(batch).build());
    }
    requests.onCompleted();
    return end.get(60, TimeUnit.SECONDS);
  }

  private List<ScanNeuronsResponse> scan(ScanNeuronsHeader.Builder header, TokenBatch... batches)
      throws Exception {
    return scan(tiny, header, batches);
  }

  @Test
  void findsTheStrongestPlacesOfEveryNeuron() throws Exception {
    int[][] rows = tiny.rows().toArray(int[][]::new);
    List<ScanNeuronsResponse> responses =
        scan(
            header("blocks.*.mlp.hook_post").setTopK(4).setTokensBefore(2).setTokensAfter(1),
            batch(5, rows[0]),
            batch(9, rows[1], Arrays.copyOf(rows[0], 3), rows[2]));
    assertThat(responses).hasSize(2 + 3 * 128);
    assertThat(responses.get(0).getProgress().getProvenance().getModel())
        .isEqualTo(TinyServer.MODEL);
    assertThat(responses.get(1).getProgress().getBatchId()).isEqualTo(9);
    assertThat(responses.get(1).getProgress().getRows()).isEqualTo(4);
    assertThat(responses.get(1).getProgress().getTokens()).isEqualTo(3 * 17 + 3);
    for (int layer = 0; layer < 3; layer++) {
      GoldenTensor golden = tiny.golden().tensor("run/blocks." + layer + ".mlp.hook_post");
      for (int neuron = 0; neuron < 128; neuron++) {
        NeuronReport report = responses.get(2 + layer * 128 + neuron).getNeuron();
        assertThat(report.getHookPoint()).isEqualTo("blocks." + layer + ".mlp.hook_post");
        assertThat(report.getIndex()).isEqualTo(neuron);
        check(report, golden);
      }
    }
  }

  private void check(NeuronReport report, GoldenTensor golden) {
    double bound = Golden.TOLERANCE * golden.largest();
    double[] values = new double[3 * 17 + 3];
    for (int i = 0; i < values.length; i++) {
      values[i] = golden.values()[(i < 51 ? i : i - 51) * 128 + report.getIndex()];
    }
    double[] sorted = Arrays.stream(values).sorted().toArray();
    assertThat(report.getExamplesCount()).isEqualTo(4);
    for (int i = 0; i < 4; i++) {
      NeuronExample example = report.getExamples(i);
      assertThat((double) example.getActivation())
          .isCloseTo(sorted[sorted.length - 1 - i], offset(bound));
      // The first batch is row 0; the second holds row 1, the start of row 0, and row 2.
      int row = example.getBatchId() == 5 ? 0 : new int[] {1, 0, 2}[example.getRow()];
      int at = (row * 17 + example.getPosition()) * 128 + report.getIndex();
      assertThat((double) example.getActivation()).isCloseTo(golden.values()[at], offset(bound));
      int[] tokens = tiny.rows().get(row);
      assertThat(example.getIds(example.getFocus())).isEqualTo(tokens[example.getPosition()]);
      assertThat(example.getFocus()).isEqualTo(Math.min(2, example.getPosition()));
      assertThat(example.getTokensCount()).isEqualTo(example.getIdsCount());
      assertThat(example.getByteEndsList()).hasSize(example.getIdsCount()).isSorted();
      assertThat(example.getByteEnds(example.getIdsCount() - 1))
          .isEqualTo(example.getText().getBytes(StandardCharsets.UTF_8).length);
    }
    var statistics = report.getStatistics();
    assertThat(statistics.getCount()).isEqualTo(54);
    assertThat(statistics.getMean())
        .isCloseTo(Arrays.stream(values).average().orElseThrow(), offset(bound));
    assertThat((double) statistics.getMinimum()).isCloseTo(sorted[0], offset(bound));
    assertThat(statistics.getHistogramCount()).isZero();
  }

  @Test
  void someUnitsOfAPointWithHeadsOnceInARow() throws Exception {
    int[][] rows = tiny.rows().toArray(int[][]::new);
    List<ScanNeuronsResponse> responses =
        scan(
            header("blocks.2.attn.hook_z", 31, 4)
                .setOnePerRow(true)
                .setSkipFirst(true)
                .setHistogram(true),
            batch(1, rows));
    assertThat(responses).hasSize(3);
    NeuronReport report = responses.get(1).getNeuron();
    assertThat(report.getIndex()).isEqualTo(31);
    assertThat(report.getExamplesList())
        .extracting(NeuronExample::getRow)
        .containsExactlyInAnyOrder(0, 1, 2);
    assertThat(report.getExamplesList()).allMatch(example -> example.getPosition() > 0);
    assertThat(report.getStatistics().getCount()).isEqualTo(48);
    assertThat(report.getStatistics().getHistogramCount()).isEqualTo(129);
    assertThat(report.getStatistics().getHistogramList().stream().mapToLong(Long::longValue).sum())
        .isEqualTo(48);
  }

  @Test
  void aScanThatCannotFitIsRefusedBeforeItBegins(@TempDir Path folder) {
    try (TinyServer small =
        new TinyServer(folder, config -> config.withBounds(8, 8, 1 << 20, Duration.ofSeconds(5)))) {
      assertThatThrownBy(
              () -> scan(small, header("blocks.*.mlp.hook_post").setTopK(100).setTokensBefore(99)))
          .cause()
          .isInstanceOf(StatusRuntimeException.class)
          .satisfies(
              e ->
                  assertThat(Status.fromThrowable(e).getCode())
                      .isEqualTo(Status.Code.RESOURCE_EXHAUSTED))
          .message()
          .contains("scan fewer neurons at once");
    }
  }

  @Test
  void scansOfWhatIsNotThereAreRefused() {
    int[] row = {1, 2, 3};
    refusedScan("axes", header("blocks.*.attn.hook_pattern"), batch(1, row));
    refusedScan("0 to 127", header("blocks.0.mlp.hook_post", 128), batch(1, row));
    refusedScan("twice", header("blocks.0.mlp.hook_post", 7, 7), batch(1, row));
    refusedScan("hook_post", header("blocks.0.mlp.hook_poost"), batch(1, row));
    refusedScan("0 to 100", header("blocks.0.mlp.hook_post").setTopK(101), batch(1, row));
    refusedScan("batch_id", header("blocks.0.mlp.hook_post"), batch(1, row), batch(1, row));
    refusedScan("batch 4.rows", header("blocks.0.mlp.hook_post"), batch(4));
    refusedScan(
        "in two",
        header("blocks.0.mlp.hook_post")
            .addNeurons(NeuronGroup.newBuilder().setHookPoint("blocks.*.mlp.hook_post")),
        batch(1, row));
  }

  private void refusedScan(String words, ScanNeuronsHeader.Builder header, TokenBatch... batches) {
    assertThatThrownBy(() -> scan(header, batches))
        .cause()
        .satisfies(
            e ->
                assertThat(Status.fromThrowable(e).getCode())
                    .isEqualTo(Status.Code.INVALID_ARGUMENT))
        .message()
        .contains(words);
  }

  private static double[] weight(String name) {
    return Golden.file("gpt2-tiny/model.safetensors").tensor(name).values();
  }

  @Test
  void effectsOfNeurons() {
    ComputeNeuronEffectsRequest.Builder request =
        ComputeNeuronEffectsRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .setLayer(2)
            .addNeurons(100)
            .addNeurons(3)
            .setTopK(2);
    VocabularyProjection second =
        tiny.neurons().computeNeuronEffects(request.build()).getProjections(1);
    double[] out = weight("h.2.mlp.c_proj.weight");
    double[] embedding = weight("wte.weight");
    double[] logits = new double[211];
    for (int id = 0; id < 211; id++) {
      for (int i = 0; i < 32; i++) {
        logits[id] += out[3 * 32 + i] * embedding[id * 32 + i];
      }
    }
    double[] sorted = Arrays.stream(logits).sorted().toArray();
    assertThat((double) second.getTop(0).getLogit()).isCloseTo(sorted[210], offset(1e-4));
    assertThat(logits[second.getTop(1).getId()]).isCloseTo(sorted[209], offset(1e-4));
    assertThat((double) second.getBottom(0).getLogit()).isCloseTo(sorted[0], offset(1e-4));
    VocabularyProjection throughNorm =
        tiny.neurons()
            .computeNeuronEffects(request.setThroughFinalNorm(true).build())
            .getProjections(1);
    assertThat(throughNorm.getTop(0).getLogit()).isNotEqualTo(second.getTop(0).getLogit());
    refused(() -> tiny.neurons().computeNeuronEffects(request.addNeurons(128).build()), "0 to 127");
    refused(() -> tiny.neurons().computeNeuronEffects(request.setLayer(-1).build()), "layer");
  }

  @Test
  void arithmeticOfEmbeddings() {
    FindNearestTokensRequest.Builder request =
        FindNearestTokensRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .addTerms(EmbeddingTerm.newBuilder().setText(" the")) // token 3
            .addTerms(EmbeddingTerm.newBuilder().setToken(65).setWeight(-1))
            .addTerms(EmbeddingTerm.newBuilder().setToken(66))
            .setTopK(5);
    double[] embedding = weight("wte.weight");
    double[] sum = new double[32];
    for (int i = 0; i < 32; i++) {
      sum[i] = embedding[3 * 32 + i] - embedding[65 * 32 + i] + embedding[66 * 32 + i];
    }
    double[] dots = new double[211];
    for (int id = 0; id < 211; id++) {
      for (int i = 0; i < 32; i++) {
        dots[id] += sum[i] * embedding[id * 32 + i];
      }
    }
    FindNearestTokensResponse nearest =
        tiny.neurons().findNearestTokens(request.setSimilarity(Similarity.SIMILARITY_DOT).build());
    double[] expected = dots.clone();
    for (int term : new int[] {3, 65, 66}) {
      expected[term] = Double.NEGATIVE_INFINITY;
    }
    double[] sorted = Arrays.stream(expected).sorted().toArray();
    for (int i = 0; i < 5; i++) {
      NearToken near = nearest.getTokens(i);
      assertThat((double) near.getSimilarity()).isCloseTo(sorted[210 - i], offset(1e-4));
      assertThat(expected[near.getId()]).isCloseTo(sorted[210 - i], offset(1e-4));
    }
    // With its own terms among the answers, a single vector is nearest to itself.
    EmbeddingVector.Builder own = EmbeddingVector.newBuilder();
    for (int i = 0; i < 32; i++) {
      own.addValues((float) embedding[66 * 32 + i]);
    }
    NearToken self =
        tiny.neurons()
            .findNearestTokens(
                FindNearestTokensRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .addTerms(EmbeddingTerm.newBuilder().setValues(own))
                    .build())
            .getTokens(0);
    assertThat(self.getId()).isEqualTo(66);
    assertThat(self.getSimilarity()).isCloseTo(1, offset(1e-5f));
  }

  @Test
  void sumsThatMeanNothingAreRefused() {
    refusedTerms("empty", EmbeddingTerm.newBuilder());
    refusedTerms("exactly one", EmbeddingTerm.newBuilder().setText("xyz"));
    refusedTerms("0 to 210", EmbeddingTerm.newBuilder().setToken(211));
    refusedTerms(
        "give 32", EmbeddingTerm.newBuilder().setValues(EmbeddingVector.newBuilder().addValues(1)));
    refusedTerms("finite", EmbeddingTerm.newBuilder().setToken(1).setWeight(Float.NaN));
    refusedTerms(
        "the sum of the terms",
        EmbeddingTerm.newBuilder().setToken(1).setWeight(Float.MAX_VALUE),
        EmbeddingTerm.newBuilder().setToken(1).setWeight(Float.MAX_VALUE),
        EmbeddingTerm.newBuilder().setToken(2).setWeight(Float.MAX_VALUE));
    refusedTerms(
        "is zero",
        EmbeddingTerm.newBuilder().setToken(1),
        EmbeddingTerm.newBuilder().setToken(1).setWeight(-1));
  }

  private void refusedTerms(String words, EmbeddingTerm.Builder... terms) {
    FindNearestTokensRequest.Builder request =
        FindNearestTokensRequest.newBuilder().setModel(TinyServer.MODEL);
    Arrays.stream(terms).forEach(request::addTerms);
    refused(() -> tiny.neurons().findNearestTokens(request.build()), words);
  }

  private static void refused(Runnable call, String words) {
    assertThatThrownBy(call::run)
        .isInstanceOf(StatusRuntimeException.class)
        .satisfies(
            e ->
                assertThat(Status.fromThrowable(e).getCode())
                    .isEqualTo(Status.Code.INVALID_ARGUMENT))
        .message()
        .contains(words);
  }
}
