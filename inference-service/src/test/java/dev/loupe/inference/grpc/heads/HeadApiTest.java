package dev.loupe.inference.grpc.heads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.ComputeSingularDirectionsRequest;
import dev.loupe.proto.inference.v1.ComputeSingularDirectionsResponse;
import dev.loupe.proto.inference.v1.Head;
import dev.loupe.proto.inference.v1.HeadCircuit;
import dev.loupe.proto.inference.v1.HeadErrorMeasure;
import dev.loupe.proto.inference.v1.HeadPattern;
import dev.loupe.proto.inference.v1.HeadScore;
import dev.loupe.proto.inference.v1.ScoreCompositionRequest;
import dev.loupe.proto.inference.v1.ScoreCompositionResponse;
import dev.loupe.proto.inference.v1.ScoreCopyingRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsResponse;
import dev.loupe.proto.inference.v1.SingularDirection;
import dev.loupe.proto.inference.v1.TokenLogit;
import dev.loupe.proto.inference.v1.WeightMatrix;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import dev.loupe.testkit.golden.GoldenAssert;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Heads over real sockets; golden values are held to 1e-4 of each tensor's largest magnitude. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HeadApiTest {
  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private ScoreHeadsRequest.Builder request(HeadPattern pattern) {
    return ScoreHeadsRequest.newBuilder()
        .setModel(TinyServer.MODEL)
        .setPattern(pattern)
        .addAllPrompts(tiny.prompts());
  }

  private static Tensor mask(int size, float... values) {
    return TensorMessages.toMessage(
        new LabelledTensor(HostTensor.ofFloats(values, size, size), List.of("query", "key")));
  }

  @Test
  void aCustomMaskOfTheTokenBeforeScoresAsThatPattern() {
    float[] before = new float[17 * 17];
    for (int query = 1; query < 17; query++) {
      before[query * 17 + query - 1] = 1;
    }
    for (HeadErrorMeasure measure :
        List.of(
            HeadErrorMeasure.HEAD_ERROR_MEASURE_OVERLAP,
            HeadErrorMeasure.HEAD_ERROR_MEASURE_ABSOLUTE)) {
      ScoreHeadsResponse custom =
          tiny.heads()
              .scoreHeads(
                  request(HeadPattern.HEAD_PATTERN_CUSTOM)
                      .setErrorMeasure(measure)
                      .setCustomMask(mask(17, before))
                      .build());
      ScoreHeadsResponse known =
          tiny.heads()
              .scoreHeads(
                  request(HeadPattern.HEAD_PATTERN_PREVIOUS_TOKEN)
                      .setErrorMeasure(measure)
                      .build());
      assertThat(custom).isEqualTo(known);
    }
  }

  @Test
  void someHeadsAndEachPrompt() {
    ScoreHeadsResponse all =
        tiny.heads().scoreHeads(request(HeadPattern.HEAD_PATTERN_DUPLICATE_TOKEN).build());
    assertThat(all.getPromptsCount()).isZero();
    assertThat(all.getProvenance().getModel()).isEqualTo(TinyServer.MODEL);
    ScoreHeadsResponse some =
        tiny.heads()
            .scoreHeads(
                request(HeadPattern.HEAD_PATTERN_DUPLICATE_TOKEN)
                    .addHeads(Head.newBuilder().setLayer(2).setHead(1))
                    .addHeads(Head.newBuilder().setLayer(0).setHead(3))
                    .setPerPrompt(true)
                    .build());
    assertThat(some.getScores(0).getLayer()).isEqualTo(2);
    assertThat(some.getScores(0).getScore()).isCloseTo(all.getScores(9).getScore(), offset(1e-6f));
    assertThat(some.getScores(1).getScore()).isCloseTo(all.getScores(3).getScore(), offset(1e-6f));
    assertThat(some.getPromptsCount()).isEqualTo(3);
    for (int i = 0; i < 2; i++) {
      double mean = 0;
      for (int prompt = 0; prompt < 3; prompt++) {
        mean += some.getPrompts(prompt).getScores(i) / 3.0;
      }
      assertThat(mean).isCloseTo(some.getScores(i).getScore(), offset(1e-6));
    }
  }

  @ParameterizedTest
  @CsvSource({"COMPOSITION_KIND_Q, Q", "COMPOSITION_KIND_K, K", "COMPOSITION_KIND_V, V"})
  void composition(dev.loupe.proto.inference.v1.CompositionKind kind, String golden) {
    Iterator<ScoreCompositionResponse> responses =
        tiny.heads()
            .scoreComposition(
                ScoreCompositionRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .setKind(kind)
                    .build());
    ScoreCompositionResponse first = responses.next();
    assertThat(first.getProvenance().getModel()).isEqualTo(TinyServer.MODEL);
    Tensor.Builder whole =
        Tensor.newBuilder()
            .setLayout(first.getChunk().getLayout())
            .setData(first.getChunk().getData());
    assertThat(responses.hasNext()).isFalse();
    LabelledTensor scores = TensorMessages.fromMessage(whole.build(), 1 << 20);
    assertThat(scores.axes())
        .containsExactly("earlier_layer", "earlier_head", "later_layer", "later_head");
    GoldenAssert.assertClose(
        golden,
        scores.tensor().shape(),
        scores.tensor().toFloats(),
        tiny.golden().tensor("composition/" + golden));
  }

  @ParameterizedTest
  @EnumSource(
      value = HeadCircuit.class,
      names = {"HEAD_CIRCUIT_UNSPECIFIED", "UNRECOGNIZED"},
      mode = EnumSource.Mode.EXCLUDE)
  void copyingScoresLieBetweenMinusOneAndOne(HeadCircuit circuit) {
    List<HeadScore> scores =
        tiny.heads()
            .scoreCopying(
                ScoreCopyingRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .setCircuit(circuit)
                    .build())
            .getScoresList();
    assertThat(scores).hasSize(12);
    assertThat(scores).allMatch(score -> Math.abs(score.getScore()) <= 1 + 1e-6);
    assertThat(scores.stream().map(HeadScore::getScore).distinct().count()).isGreaterThan(6);
    assertThat(scores.get(7).getLayer()).isEqualTo(1);
    assertThat(scores.get(7).getHead()).isEqualTo(3);
  }

  @Test
  void singularDirectionsComeWithTheirTokens() {
    ComputeSingularDirectionsRequest.Builder request =
        ComputeSingularDirectionsRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .setMatrix(WeightMatrix.WEIGHT_MATRIX_OV)
            .setLayer(1)
            .setHead(2)
            .setCount(100)
            .setTopK(3);
    ComputeSingularDirectionsResponse response =
        tiny.heads().computeSingularDirections(request.build());
    assertThat(response.getDirectionsCount()).isEqualTo(8); // d_head
    double[] embedding =
        dev.loupe.testkit.golden.Golden.file("gpt2-tiny/model.safetensors")
            .tensor("wte.weight")
            .values();
    SingularDirection direction = response.getDirections(3);
    float[] output = TensorMessages.fromMessage(direction.getOutput(), 1 << 10).tensor().toFloats();
    for (TokenLogit token : direction.getOutputTokensList()) {
      double logit = 0;
      for (int i = 0; i < 32; i++) {
        logit += embedding[token.getId() * 32 + i] * output[i];
      }
      assertThat((double) token.getLogit()).isCloseTo(logit, offset(1e-4));
    }
    assertThat(direction.getOutputBottomTokens(0).getLogit())
        .isLessThan(direction.getOutputTokens(2).getLogit());
    assertThat(direction.getInputTokensCount()).isEqualTo(3);
    SingularDirection written =
        tiny.heads()
            .computeSingularDirections(
                request.setMatrix(WeightMatrix.WEIGHT_MATRIX_MLP_OUT).setCount(1).build())
            .getDirections(0);
    assertThat(written.hasInput()).isFalse();
    assertThat(written.getInputTokensCount()).isZero();
    assertThat(written.getOutputTokensCount()).isEqualTo(3);
  }

  private static void refused(Runnable call, String... words) {
    assertThatThrownBy(call::run)
        .isInstanceOf(StatusRuntimeException.class)
        .satisfies(
            e ->
                assertThat(((StatusRuntimeException) e).getStatus().getCode())
                    .isEqualTo(io.grpc.Status.Code.INVALID_ARGUMENT))
        .message()
        .contains(words);
  }

  @Test
  void refusesWhatIsNotThere() {
    refused(
        () ->
            tiny.heads()
                .scoreHeads(
                    request(HeadPattern.HEAD_PATTERN_CUSTOM)
                        .setCustomMask(mask(2, 1, 0, 0, 1))
                        .build()),
        "custom_mask",
        "[2, 2]",
        "17 tokens");
    float[] upper = new float[17 * 17];
    upper[1] = 1;
    refused(
        () ->
            tiny.heads()
                .scoreHeads(
                    request(HeadPattern.HEAD_PATTERN_CUSTOM)
                        .setCustomMask(mask(17, upper))
                        .build()),
        "1.0 at [0, 1]");
    refused(
        () ->
            tiny.heads()
                .scoreHeads(
                    request(HeadPattern.HEAD_PATTERN_INDUCTION)
                        .addHeads(Head.newBuilder().setHead(4))
                        .build()),
        "heads[0].head",
        "0 to 3");
    refused(
        () ->
            tiny.heads()
                .scoreCopying(ScoreCopyingRequest.newBuilder().setModel(TinyServer.MODEL).build()),
        "circuit");
    refused(
        () ->
            tiny.heads()
                .scoreComposition(
                    ScoreCompositionRequest.newBuilder().setModel(TinyServer.MODEL).build())
                .next(),
        "kind");
    refused(
        () ->
            tiny.heads()
                .computeSingularDirections(
                    ComputeSingularDirectionsRequest.newBuilder()
                        .setModel(TinyServer.MODEL)
                        .setMatrix(WeightMatrix.WEIGHT_MATRIX_QK)
                        .setLayer(3)
                        .build()),
        "layer",
        "0 to 2");
  }
}
