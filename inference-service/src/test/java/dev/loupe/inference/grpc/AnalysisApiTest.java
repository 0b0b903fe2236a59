package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import com.google.protobuf.ByteString;
import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.AttributeLogitsRequest;
import dev.loupe.proto.inference.v1.AttributeLogitsResponse;
import dev.loupe.proto.inference.v1.ComputeLogitLensRequest;
import dev.loupe.proto.inference.v1.ComputeLogitLensResponse;
import dev.loupe.proto.inference.v1.Contribution;
import dev.loupe.proto.inference.v1.HeadPattern;
import dev.loupe.proto.inference.v1.HeadScore;
import dev.loupe.proto.inference.v1.LensLayer;
import dev.loupe.proto.inference.v1.ProjectToVocabularyRequest;
import dev.loupe.proto.inference.v1.RandomRepeats;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.ScoreHeadsResponse;
import dev.loupe.proto.inference.v1.TokenLogit;
import dev.loupe.proto.inference.v1.VocabularyProjection;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import dev.loupe.testkit.golden.GoldenTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Golden values are held to 1e-4 of each tensor's largest magnitude. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AnalysisApiTest {
  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  @Test
  void theLensEndsWithTheModelItself() {
    ComputeLogitLensResponse response =
        tiny.attribution()
            .computeLogitLens(
                ComputeLogitLensRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .setPrompt(tiny.prompts().get(1))
                    .setTopK(2)
                    .addPositions(-1)
                    .addTrackedTokens(9)
                    .build());
    assertThat(response.getIdsCount()).isEqualTo(17);
    assertThat(response.getLayersList())
        .extracting(LensLayer::getHookPoint)
        .containsExactly(
            "blocks.0.hook_resid_pre",
            "blocks.0.hook_resid_post",
            "blocks.1.hook_resid_post",
            "blocks.2.hook_resid_post");
    GoldenTensor logits = tiny.golden().tensor("run/logits");
    double expected = logits.values()[(17 + 16) * 211 + 9];
    var last = response.getLayers(3).getPositions(0);
    assertThat(last.getPosition()).isEqualTo(16);
    assertThat(last.getTopCount()).isEqualTo(2);
    assertThat((double) last.getTracked(0).getLogit())
        .isCloseTo(expected, offset(Golden.TOLERANCE * logits.largest()));
  }

  @Test
  void contributionsAddUpToTheLogitDifference() {
    AttributeLogitsResponse response =
        tiny.attribution()
            .attributeLogits(
                AttributeLogitsRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .setPrompt(tiny.prompts().get(0))
                    .setPosition(-1)
                    .setToken(3)
                    .setIncorrectToken(7)
                    .build());
    double[] expected = tiny.golden().tensor("dla/logit_diff_components").values();
    double sum = response.getBias();
    double firstAttention = 0;
    for (Contribution part : response.getContributionsList()) {
      sum += part.getLogit();
      boolean attention =
          part.getComponent().startsWith("L0H") || part.getComponent().equals("0_attn_bias");
      firstAttention += attention ? part.getLogit() : 0;
    }
    assertThat(sum).isCloseTo(response.getTotal(), offset(1e-3));
    assertThat(firstAttention).isCloseTo(expected[2], offset(1e-3));
    assertThat(response.getContributions(0).getComponent()).isEqualTo("embed");
    assertThat((double) response.getContributions(0).getLogit())
        .isCloseTo(expected[0], offset(1e-3));
  }

  @ParameterizedTest
  @CsvSource({
    "HEAD_PATTERN_PREVIOUS_TOKEN, previous_token_head",
    "HEAD_PATTERN_DUPLICATE_TOKEN, duplicate_token_head",
    "HEAD_PATTERN_INDUCTION, induction_head"
  })
  void headScores(HeadPattern pattern, String golden) {
    ScoreHeadsRequest.Builder request =
        ScoreHeadsRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .setPattern(pattern)
            .addAllPrompts(tiny.prompts());
    check("heads/" + golden, tiny.heads().scoreHeads(request.build()));
    request.setExcludeBos(true).setExcludeCurrentToken(true);
    check("heads_excl/" + golden, tiny.heads().scoreHeads(request.build()));
  }

  private void check(String name, ScoreHeadsResponse response) {
    float[] scores = new float[response.getScoresCount()];
    for (int i = 0; i < scores.length; i++) {
      HeadScore score = response.getScores(i);
      assertThat(score.getLayer() * 4 + score.getHead()).isEqualTo(i);
      scores[i] = score.getScore();
    }
    GoldenAssert.assertClose(name, scores, tiny.golden().tensor(name));
  }

  @Test
  void inductionOnRandomRepeatsDependsOnItsSeedAlone() {
    assertThat(repeated(4)).isEqualTo(repeated(4)).isNotEqualTo(repeated(5));
    assertThat(repeated(4)).hasSize(12).allMatch(s -> s.getScore() > 0 && s.getScore() < 1);
  }

  private List<HeadScore> repeated(long seed) {
    return tiny.heads()
        .scoreHeads(
            ScoreHeadsRequest.newBuilder()
                .setModel(TinyServer.MODEL)
                .setPattern(HeadPattern.HEAD_PATTERN_REPEATED_RANDOM)
                .setRandomRepeats(
                    RandomRepeats.newBuilder().setLength(10).setSequences(2).setSeed(seed))
                .build())
        .getScoresList();
  }

  @Test
  void projectsDirectionsOnTheVocabulary() {
    // A token's own embedding as a direction: its products with all embeddings, computed here.
    float[] embeddings = embeddings();
    ByteBuffer data = ByteBuffer.allocate(2 * 128).order(ByteOrder.LITTLE_ENDIAN);
    data.asFloatBuffer().put(embeddings, 5 * 32, 64);
    VocabularyProjection second =
        tiny.neurons()
            .projectToVocabulary(
                ProjectToVocabularyRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .setTopK(3)
                    .setDirections(
                        Tensor.newBuilder()
                            .setLayout(
                                TensorLayout.newBuilder()
                                    .setDtype(DType.DTYPE_F32)
                                    .addAxes(Axis.newBuilder().setName("row").setSize(2))
                                    .addAxes(Axis.newBuilder().setName("d_model").setSize(32)))
                            .setData(ByteString.copyFrom(data)))
                    .build())
            .getProjections(1);
    double[] products = new double[211];
    for (int id = 0; id < 211; id++) {
      for (int i = 0; i < 32; i++) {
        products[id] += (double) embeddings[6 * 32 + i] * embeddings[id * 32 + i];
      }
    }
    double[] sorted = java.util.Arrays.stream(products).sorted().toArray();
    for (int i = 0; i < 3; i++) {
      TokenLogit top = second.getTop(i);
      TokenLogit bottom = second.getBottom(i);
      assertThat((double) top.getLogit()).isCloseTo(sorted[210 - i], offset(1e-4));
      assertThat((double) bottom.getLogit()).isCloseTo(sorted[i], offset(1e-4));
      assertThat(products[top.getId()]).isCloseTo(sorted[210 - i], offset(1e-4));
    }
  }

  private static float[] embeddings() {
    var weights = Golden.file("gpt2-tiny/model.safetensors");
    String name =
        weights.names().stream().filter(n -> n.endsWith("wte.weight")).findFirst().orElseThrow();
    return weights.tensor(name).floats();
  }
}
