package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.Patch;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.Scale;
import dev.loupe.proto.inference.v1.SetValue;
import dev.loupe.proto.inference.v1.TokenScore;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several texts of one prompt, penalties, and what cannot be sampled. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SampledTextsTest {
  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private static GenerateTextRequest.Builder request(int[]... prompts) {
    GenerateTextRequest.Builder request =
        GenerateTextRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .setMaxNewTokens(8)
            .setTemperature(2)
            .setIgnoreEos(true)
            .setSeed(11);
    for (int[] prompt : prompts) {
      request.addPrompts(TinyServer.prompt(prompt));
    }
    return request;
  }

  /** Ids by "prompt.sample". */
  private Map<String, List<Integer>> texts(GenerateTextRequest.Builder request) {
    Map<String, List<Integer>> texts = new TreeMap<>();
    for (GenerateTextResponse step : steps(request)) {
      texts
          .computeIfAbsent(step.getPrompt() + "." + step.getSample(), key -> new ArrayList<>())
          .add(step.getId());
    }
    return texts;
  }

  private List<GenerateTextResponse> steps(GenerateTextRequest.Builder request) {
    List<GenerateTextResponse> steps = new ArrayList<>();
    tiny.stub().generateText(request.build()).forEachRemaining(steps::add);
    return steps;
  }

  private static final int[] A = {5, 80, 9};
  private static final int[] B = {40, 41, 42, 43};

  @Test
  void samplesDifferAndTheFirstIsTheOneAlone() {
    Map<String, List<Integer>> four = texts(request(A, B).setSamples(4));
    assertThat(four).hasSize(8);
    assertThat(new HashSet<>(four.values())).hasSize(8);
    assertThat(texts(request(A)).get("0.0")).isEqualTo(four.get("0.0"));
    assertThat(texts(request(B)).get("0.0")).isEqualTo(four.get("1.0"));
    assertThat(texts(request(A, B).setSamples(4))).as("the same seed").isEqualTo(four);
    assertThat(texts(request(A).setSamples(2)).get("0.1"))
        .as("more samples change none of the others")
        .isEqualTo(four.get("0.1"));
  }

  @Test
  void thePromptTwiceGivesTwoSamples() {
    Map<String, List<Integer>> samples = texts(request(A).setSamples(3));
    Map<String, List<Integer>> repeated = texts(request(A, B, A, A));
    assertThat(repeated.get("0.0")).isEqualTo(samples.get("0.0"));
    assertThat(repeated.get("2.0")).isEqualTo(samples.get("0.1"));
    assertThat(repeated.get("3.0")).isEqualTo(samples.get("0.2"));
  }

  @Test
  void anEditOfAPromptHoldsForAllItsSamples() {
    Intervention set =
        Intervention.newBuilder()
            .setHookPoint("blocks.0.hook_resid_post")
            .addRows(1)
            .addPositions(0)
            .setSet(SetValue.newBuilder().addValues(0.7f))
            .build();
    Map<String, List<Integer>> both = texts(request(A, B).setSamples(2).addInterventions(set));
    Map<String, List<Integer>> edited =
        texts(request(B).setSamples(2).addInterventions(set.toBuilder().clearRows()));
    assertThat(both.get("0.1")).isEqualTo(texts(request(A).setSamples(2)).get("0.1"));
    assertThat(both.get("1.0")).isEqualTo(edited.get("0.0"));
    assertThat(both.get("1.1")).isEqualTo(edited.get("0.1"));
  }

  @Test
  void aSampleTakesPatchesFromTheOtherPromptsSampleOfItsNumber() {
    Intervention patch =
        Intervention.newBuilder()
            .setHookPoint("blocks.2.hook_resid_post")
            .addRows(1)
            .addPositions(-1)
            .setPatch(Patch.newBuilder().setRow(0))
            .build();
    int[] c = {7, 80, 9};
    Map<String, List<Integer>> texts = texts(request(A, c).setSamples(3).addInterventions(patch));
    // The last residual stream is the other's, and so is what is said.
    for (int sample = 0; sample < 3; sample++) {
      assertThat(texts.get("1." + sample)).isEqualTo(texts.get("0." + sample));
    }
    assertThat(texts.get("0.1")).isNotEqualTo(texts.get("0.0"));
  }

  @Test
  void asManyTextsAsPromptsAre() {
    refused(
        ErrorReason.INVALID_VALUE,
        "samples is 22; give at most 21 for 3 prompts",
        request(A, B, A).setSamples(22));
    refused(ErrorReason.INVALID_VALUE, "samples is -1", request(A).setSamples(-1));
    assertThat(texts(request(A).setSamples(64).setMaxNewTokens(1))).hasSize(64);
  }

  @Test
  void aRepetitionPenaltyMakesWhatWasSaidLessLikely() {
    List<Integer> tokens = new ArrayList<>(List.of(5, 80, 9));
    for (GenerateTextResponse step :
        steps(request(A).setTemperature(0).setRepetitionPenalty(1.7f))) {
      int best = -1;
      double most = Double.NEGATIVE_INFINITY;
      for (TokenScore score : top(tokens)) {
        double logit = score.getLogit();
        if (tokens.contains(score.getId())) {
          logit = logit < 0 ? logit * 1.7 : logit / 1.7;
        }
        if (logit > most) {
          most = logit;
          best = score.getId();
        }
      }
      assertThat(step.getId()).isEqualTo(best);
      tokens.add(best);
    }
    refused(
        ErrorReason.INVALID_VALUE, "repetition_penalty is -1", request(A).setRepetitionPenalty(-1));
    refused(
        ErrorReason.INVALID_VALUE,
        "presence_penalty is NaN",
        request(A).setPresencePenalty(Float.NaN));
  }

  private List<TokenScore> top(List<Integer> tokens) {
    return tiny.stub()
        .runForwardPass(
            RunForwardPassRequest.newBuilder()
                .setModel(TinyServer.MODEL)
                .setTopK(100)
                .addPrompts(
                    TinyServer.prompt(tokens.stream().mapToInt(Integer::intValue).toArray()))
                .build())
        .getRows(0)
        .getPredictions(0)
        .getTopList();
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.MIN_VALUE, 1e-40f, 1e-30f, 1e-10f, 1e-6f})
  void aTemperatureNearNothingGivesTheLikeliestToken(float temperature) {
    assertThat(texts(request(A, B).setTemperature(temperature)))
        .isEqualTo(texts(request(A, B).setTemperature(0)));
  }

  @Test
  void logitsThatAreNoNumbersHaveNoNextToken() {
    // Finite where it is set; the unembedding's sums are not.
    Intervention huge =
        Intervention.newBuilder()
            .setHookPoint("unembed.hook_in")
            .setSet(SetValue.newBuilder().addValues(3e38f))
            .build();
    for (float temperature : new float[] {0, 1}) {
      refused(
          ErrorReason.NOT_FINITE,
          "the logits after 3 tokens of prompts[0] are not finite",
          request(A).setTemperature(temperature).addInterventions(huge));
    }
    RunForwardPassRequest.Builder pass =
        RunForwardPassRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .addPrompts(TinyServer.prompt(A))
            .addInterventions(huge);
    refused(ErrorReason.NOT_FINITE, "the logits at position 2 of prompts[0]", pass.setTopK(1));
    refused(ErrorReason.NOT_FINITE, "of prompts[0] are not finite", pass.setTopK(0).setLoss(true));
  }

  @Test
  void editsThatOverflowAreSaidToDoSo() {
    Intervention.Builder scale =
        Intervention.newBuilder()
            .setHookPoint("blocks.1.hook_resid_post")
            .setScale(Scale.newBuilder().setFactor(1e30f));
    RunForwardPassRequest.Builder pass =
        RunForwardPassRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .addPrompts(TinyServer.prompt(B))
            .addPrompts(TinyServer.prompt(A))
            .addInterventions(scale.clone().addRows(1))
            .addInterventions(scale.clone().addRows(1));
    refused(
        ErrorReason.NOT_FINITE,
        "in row 1, blocks.1.hook_resid_post holds infinities or no numbers",
        pass.setTopK(1));
    refused(
        ErrorReason.NOT_FINITE,
        "in row 0, blocks.1.hook_resid_post",
        request(A).addInterventions(scale).addInterventions(scale));
  }

  private void refused(ErrorReason reason, String message, GenerateTextRequest.Builder request) {
    assertThatThrownBy(() -> steps(request))
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(reason));
  }

  private void refused(ErrorReason reason, String message, RunForwardPassRequest.Builder request) {
    assertThatThrownBy(() -> tiny.stub().runForwardPass(request.build()))
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(reason));
  }
}
