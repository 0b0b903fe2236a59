package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.loupe.gateway.fakes.FakeLoupe;
import dev.loupe.proto.gateway.v1.ActiveFeature;
import dev.loupe.proto.gateway.v1.AnalyzePromptRequest;
import dev.loupe.proto.gateway.v1.AnalyzePromptResponse;
import dev.loupe.proto.gateway.v1.AnalyzedToken;
import dev.loupe.proto.gateway.v1.GatewayServiceGrpc;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The joined look at a prompt, against services whose answers can be worked out by hand. */
class AnalyzePromptTest {
  /** Features of digits have no label, so that the answer is small. */
  private static final String DIGITS = "1".repeat(20_000);

  @RegisterExtension static final FakeLoupe loupe = new FakeLoupe();

  @Test
  void joinsTokensPredictionsFeaturesAndLabels() {
    AnalyzePromptResponse analysis = analyze(request("ab").setTopPredictions(3).build());
    assertThat(analysis.getHookPoint()).isEqualTo("blocks.2.hook_resid_post");
    assertThat(analysis.getTokensList())
        .extracting(AnalyzedToken::getToken)
        .containsExactly("<bos>", "a", "b");
    assertThat(analysis.getPredictionsCount()).isEqualTo(3);
    assertThat(analysis.getPredictions(1).getToken()).isEqualTo("t1");
    assertThat(analysis.getPredictions(1).getLogit()).isEqualTo(-1);
    assertThat(analysis.getTokens(0).getFeaturesList()).isEmpty();
    // Position 2 holds "b": feature 98 with 2, feature 2 with 1, feature 1000 with 0.5.
    assertThat(analysis.getTokens(2).getFeaturesList())
        .extracting(ActiveFeature::getName)
        .containsExactly(
            "dictionaries/demo/features/98",
            "dictionaries/demo/features/2",
            "dictionaries/demo/features/1000");
    assertThat(analysis.getTokens(2).getFeaturesList())
        .extracting(ActiveFeature::getActivation)
        .containsExactly(2f, 1f, 0.5f);
    assertThat(analysis.getTokens(2).getFeatures(0).getLabels(0).getText())
        .isEqualTo("the letter b");
    assertThat(analysis.getTokens(2).getFeatures(1).getLabelsList()).isEmpty();
  }

  /** Under another name of the model, and with the same weights under a name that is not loaded. */
  @ParameterizedTest
  @ValueSource(strings = {"dictionaries/named", "dictionaries/copied"})
  void aModelIsOneUnderAllItsNames(String dictionary) {
    AnalyzePromptResponse analysis = analyze(request("ab").setDictionary(dictionary).build());
    assertThat(analysis.getTokens(1).getFeatures(0).getName())
        .isEqualTo(dictionary + "/features/97");
  }

  @Test
  void keepsTheStrongestFeaturesOnly() {
    AnalyzePromptResponse analysis = analyze(request("ab").setTopFeatures(1).build());
    assertThat(analysis.getTokens(1).getFeaturesList())
        .extracting(ActiveFeature::getName)
        .containsExactly("dictionaries/demo/features/97");
  }

  @Test
  void hasNoLabelsWhereTheStoreHasNone() {
    AnalyzePromptResponse analysis =
        analyze(request("ab").setDictionary("dictionaries/unread").build());
    assertThat(analysis.getTokens(1).getFeaturesCount()).isEqualTo(3);
    assertThat(analysis.getTokens(1).getFeatures(0).getLabelsList()).isEmpty();
  }

  @Test
  void takesActivationsThatFitNoResponseFromTheStream() {
    // 20,000 characters of 4 values fit a response; 64 values would not, and are not what this hook
    // has.
    AnalyzePromptResponse small = analyze(request(DIGITS).setTopFeatures(1).build());
    assertThat(small.getTokensCount()).isEqualTo(20_001);
    assertThat(small.getTokens(20_000).getFeatures(0).getName()).endsWith("/features/49");
    assertThat(loupe.inference.streams.get()).isZero();

    StatusRuntimeException wide =
        fails(request("x".repeat(20_000)).setDictionary("dictionaries/wide").build());
    assertThat(loupe.inference.streams.get()).isEqualTo(1);
    assertThat(LoupeErrors.reason(wide)).contains(ErrorReason.MODEL_MISMATCH);
  }

  @Test
  void refusesAnAnswerThatNoClientWouldTake() {
    StatusRuntimeException error = fails(request("x".repeat(20_000)).build());
    assertThat(LoupeErrors.reason(error)).contains(ErrorReason.RESPONSE_TOO_LARGE);
    assertThat(error.getStatus().getDescription()).contains("lower top_features");
  }

  @ParameterizedTest
  @CsvSource({
    "models/demo, dictionaries/nope, DICTIONARY_NOT_FOUND, NOT_FOUND",
    "models/demo, dictionaries/other, MODEL_MISMATCH, FAILED_PRECONDITION",
    "demo, dictionaries/demo, INVALID_NAME, INVALID_ARGUMENT",
    "models/demo, demo, INVALID_NAME, INVALID_ARGUMENT",
    "models/nope, dictionaries/demo, MODEL_MISMATCH, FAILED_PRECONDITION",
  })
  void refusesNames(String model, String dictionary, ErrorReason reason, Status.Code code) {
    StatusRuntimeException error =
        fails(request("ab").setModel(model).setDictionary(dictionary).build());
    assertThat(LoupeErrors.reason(error)).contains(reason);
    assertThat(error.getStatus().getCode()).isEqualTo(code);
  }

  @Test
  void refusesPromptsAndNumbersOutOfRange() {
    assertThat(LoupeErrors.reason(fails(request("").build()))).contains(ErrorReason.EMPTY_PROMPT);
    assertThat(LoupeErrors.reason(fails(request("x".repeat(20_001)).build())))
        .contains(ErrorReason.PROMPT_TOO_LONG);
    for (int out : new int[] {-1, 101}) {
      assertThat(fails(request("ab").setTopFeatures(out).build()).getStatus().getDescription())
          .isEqualTo("top_features is " + out + "; give 1 to 100, or 0 for 5");
      assertThat(LoupeErrors.reason(fails(request("ab").setTopPredictions(out).build())))
          .contains(ErrorReason.INVALID_VALUE);
    }
  }

  @Test
  void namesTheServiceThatIsAway() {
    int port = loupe.stopFeatures();
    try {
      StatusRuntimeException error = fails(request("ab").build());
      assertThat(LoupeErrors.reason(error)).contains(ErrorReason.SERVICE_UNAVAILABLE);
      assertThat(LoupeErrors.metadata(error)).containsEntry("service", "feature-store-service");
    } finally {
      loupe.startFeaturesAgain(port);
    }
  }

  @Test
  void answersInJson() {
    HttpResponse<String> response =
        loupe.post(
            "/v1/models/demo:analyzePrompt",
            "{\"dictionary\": \"dictionaries/demo\", \"prompt\": \"ab\", \"topFeatures\": 2}");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).contains("\"text\":\"the letter a\"");
    HttpResponse<String> refused =
        loupe.post("/v1/models/demo:analyzePrompt", "{\"dictionary\": \"dictionaries/demo\"}");
    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(refused.body()).contains("EMPTY_PROMPT");
  }

  private static AnalyzePromptRequest.Builder request(String prompt) {
    return AnalyzePromptRequest.newBuilder()
        .setModel("models/demo")
        .setDictionary("dictionaries/demo")
        .setPrompt(prompt);
  }

  private static AnalyzePromptResponse analyze(AnalyzePromptRequest request) {
    return GatewayServiceGrpc.newBlockingStub(loupe.channel()).analyzePrompt(request);
  }

  private static StatusRuntimeException fails(AnalyzePromptRequest request) {
    return catchThrowableOfType(StatusRuntimeException.class, () -> analyze(request));
  }
}
