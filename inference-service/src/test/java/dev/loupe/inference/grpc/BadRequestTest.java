package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.google.protobuf.ByteString;
import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.AddDirection;
import dev.loupe.proto.inference.v1.AttributeLogitsRequest;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.ClampFeature;
import dev.loupe.proto.inference.v1.ComputeGradientsRequest;
import dev.loupe.proto.inference.v1.ComputeLogitLensRequest;
import dev.loupe.proto.inference.v1.DetokenizeRequest;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.HeadPattern;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.LossMetric;
import dev.loupe.proto.inference.v1.Metric;
import dev.loupe.proto.inference.v1.Norm;
import dev.loupe.proto.inference.v1.ProjectToVocabularyRequest;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.RandomRepeats;
import dev.loupe.proto.inference.v1.Reduction;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.Scale;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.SetValue;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.proto.inference.v1.Zero;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.server.GatewayKey;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Every refused request says why, and the server answers the next one. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadRequestTest {
  private static final Prompt GOOD = TinyServer.prompt(1, 2, 3);

  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny =
        new TinyServer(
            folder, config -> config.withBounds(8, 8, 4 << 20, java.time.Duration.ofSeconds(5)));
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private StatusRuntimeException refused(ErrorReason reason, ThrowingCallable call) {
    StatusRuntimeException e = catchThrowableOfType(StatusRuntimeException.class, call);
    assertThat(LoupeErrors.reason(e)).as(e.getMessage()).hasValue(reason);
    assertThat(e.getStatus().getCode()).isEqualTo(reason.code());
    assertThat(tiny.stub().listModels(ListModelsRequest.getDefaultInstance()).getModelsCount())
        .isEqualTo(1);
    return e;
  }

  private DynamicTest forward(
      String name,
      ErrorReason reason,
      String message,
      Consumer<RunForwardPassRequest.Builder> change) {
    return dynamicTest(
        name,
        () -> {
          RunForwardPassRequest.Builder request =
              RunForwardPassRequest.newBuilder().setModel(TinyServer.MODEL).addPrompts(GOOD);
          change.accept(request);
          assertThat(refused(reason, () -> tiny.stub().runForwardPass(request.build())))
              .hasMessageContaining(message);
        });
  }

  private DynamicTest edit(
      String name, ErrorReason reason, String message, Intervention.Builder edit) {
    return forward(name, reason, message, request -> request.addInterventions(edit));
  }

  private static Intervention.Builder at(String hookPoint) {
    return Intervention.newBuilder().setHookPoint(hookPoint);
  }

  private static Intervention.Builder zeroAt(String hookPoint) {
    return at(hookPoint).setZero(Zero.getDefaultInstance());
  }

  private static AddDirection.Builder direction(int length, float value) {
    return AddDirection.newBuilder()
        .addAllDirection(Collections.nCopies(length, value))
        .setCoefficient(1);
  }

  @TestFactory
  List<DynamicTest> prompts() {
    return List.of(
        forward("no prompt", ErrorReason.INVALID_VALUE, "prompts", r -> r.clearPrompts()),
        forward(
            "a prompt of nothing",
            ErrorReason.EMPTY_PROMPT,
            "prompts[1] is empty",
            r -> r.addPrompts(Prompt.getDefaultInstance())),
        forward(
            "an empty text",
            ErrorReason.EMPTY_PROMPT,
            "prompts[1].text is empty",
            r -> r.addPrompts(TinyServer.prompt(""))),
        forward(
            "no tokens",
            ErrorReason.EMPTY_PROMPT,
            "give 1 to 48 ids",
            r -> r.addPrompts(TinyServer.prompt())),
        forward(
            "too many tokens",
            ErrorReason.PROMPT_TOO_LONG,
            "has 49 tokens; the model's context holds 48",
            r -> r.addPrompts(TinyServer.prompt(new int[49]))),
        forward(
            "too many tokens, the first of them the beginning of text",
            ErrorReason.PROMPT_TOO_LONG,
            "has 49 tokens, one of them the beginning-of-text token; the model's context holds 48",
            r ->
                r.addPrompts(
                    TinyServer.prompt(IntStream.range(0, 49).map(i -> TinyServer.BOS).toArray()))),
        forward(
            "a text that fits without the beginning of text",
            ErrorReason.PROMPT_TOO_LONG,
            "has 49 tokens, one of them the beginning-of-text token (omit_bos leaves it out)",
            r -> r.addPrompts(TinyServer.prompt("x".repeat(48)))),
        forward(
            "a long text",
            ErrorReason.PROMPT_TOO_LONG,
            "has 49 tokens",
            r -> r.addPrompts(TinyServer.prompt("x".repeat(48)))),
        forward(
            "a text of megabytes",
            ErrorReason.PROMPT_TOO_LONG,
            "has at least ",
            r -> r.addPrompts(TinyServer.prompt("x".repeat(4 << 20)))),
        forward(
            "an unknown token",
            ErrorReason.TOKEN_OUT_OF_RANGE,
            "prompts[1].tokens.ids[1] is 211; give 0 to 210",
            r -> r.addPrompts(TinyServer.prompt(1, 211))),
        forward(
            "a negative token",
            ErrorReason.TOKEN_OUT_OF_RANGE,
            "is -1",
            r -> r.addPrompts(TinyServer.prompt(-1))),
        forward(
            "a byte without a token",
            ErrorReason.INVALID_VALUE,
            "0xE2",
            r -> r.addPrompts(TinyServer.prompt("\u20ac"))),
        forward(
            "too many prompts",
            ErrorReason.INVALID_VALUE,
            "65 entries; give 1 to 64",
            r -> r.addAllPrompts(Collections.nCopies(64, GOOD))));
  }

  @TestFactory
  List<DynamicTest> places() {
    return List.of(
        forward(
            "a position behind the end",
            ErrorReason.POSITION_OUT_OF_RANGE,
            "row 0 has 3 tokens, so give -3 to 2",
            r -> r.setTopK(1).addPredictionPositions(3)),
        forward(
            "a position before the beginning",
            ErrorReason.POSITION_OUT_OF_RANGE,
            "prediction_positions[0] is -4",
            r -> r.setTopK(1).addPredictionPositions(-4)),
        forward("top_k", ErrorReason.INVALID_VALUE, "top_k is 101", r -> r.setTopK(101)),
        forward(
            "an unknown capture",
            ErrorReason.UNKNOWN_HOOK_POINT,
            "blocks.0.hook_resid_pre",
            r -> r.addCaptures(Capture.newBuilder().setHookPoint("blocks.0.hook_residpre"))),
        forward(
            "a pattern that fits nothing",
            ErrorReason.UNKNOWN_HOOK_POINT,
            "blocks.*.nothing",
            r -> r.addCaptures(Capture.newBuilder().setHookPoint("blocks.*.nothing"))),
        edit(
            "an edit in no layer",
            ErrorReason.UNKNOWN_HOOK_POINT,
            "interventions[0]",
            zeroAt("blocks.3.hook_resid_pre")),
        edit(
            "an edited position",
            ErrorReason.POSITION_OUT_OF_RANGE,
            "positions holds 3",
            zeroAt("blocks.0.hook_resid_pre").addPositions(3)),
        edit(
            "an edited head",
            ErrorReason.HEAD_OUT_OF_RANGE,
            "heads holds 4; expected 0 to 3",
            zeroAt("blocks.0.attn.hook_z").addHeads(4)),
        edit(
            "heads where there are none",
            ErrorReason.INVALID_VALUE,
            "has no head axis",
            zeroAt("blocks.0.hook_resid_pre").addHeads(0)),
        edit(
            "an edited row",
            ErrorReason.INVALID_VALUE,
            "interventions[0].rows is 1",
            zeroAt("blocks.0.hook_resid_pre").addRows(1)));
  }

  @Test
  void namesTheNearestHookPoints() {
    StatusRuntimeException e =
        refused(
            ErrorReason.UNKNOWN_HOOK_POINT,
            () ->
                tiny.stub()
                    .runForwardPass(
                        RunForwardPassRequest.newBuilder()
                            .setModel(TinyServer.MODEL)
                            .addPrompts(GOOD)
                            .addCaptures(Capture.newBuilder().setHookPoint("blocks.1.atn.hook_z"))
                            .build()));
    assertThat(LoupeErrors.metadata(e).get("nearest")).startsWith("blocks.1.attn.hook_z,");
  }

  @TestFactory
  List<DynamicTest> vectors() {
    String resid = "blocks.0.hook_resid_pre";
    return List.of(
        edit("no edit", ErrorReason.INVALID_VALUE, "has no edit", at(resid)),
        edit(
            "a short direction",
            ErrorReason.WRONG_SHAPE,
            "has 31 values; expected 32",
            at(resid).setAddDirection(direction(31, 1))),
        edit(
            "a direction with NaN",
            ErrorReason.NOT_FINITE,
            "direction holds NaN",
            at(resid).setAddDirection(direction(32, Float.NaN))),
        edit(
            "an infinite factor",
            ErrorReason.NOT_FINITE,
            "factor",
            at(resid).setScale(Scale.newBuilder().setFactor(Float.POSITIVE_INFINITY))),
        edit(
            "no values to set",
            ErrorReason.WRONG_SHAPE,
            "set.values is empty",
            at(resid).setSet(SetValue.getDefaultInstance())),
        edit(
            "a vector for an attention pattern",
            ErrorReason.WRONG_SHAPE,
            "as long as the row",
            at("blocks.0.attn.hook_pattern").setAddDirection(direction(3, 1))),
        forward(
            "edits that exclude each other",
            ErrorReason.INVALID_VALUE,
            "exclude each other",
            r ->
                r.setTopK(1)
                    .addInterventions(zeroAt("blocks.1.hook_q_input"))
                    .addInterventions(zeroAt("blocks.1.ln1.hook_normalized"))),
        edit(
            "a clamp without a target",
            ErrorReason.INVALID_VALUE,
            "has no target",
            at(resid).setClampFeature(ClampFeature.getDefaultInstance())),
        edit(
            "a clamp with half a feature",
            ErrorReason.WRONG_SHAPE,
            "decoder",
            at(resid)
                .setClampFeature(
                    ClampFeature.newBuilder()
                        .addAllEncoder(Collections.nCopies(32, 1f))
                        .setValue(1))));
  }

  private static ComputeGradientsRequest manyGradients() {
    return ComputeGradientsRequest.newBuilder()
        .setModel(TinyServer.MODEL)
        .addAllPrompts(Collections.nCopies(64, TinyServer.prompt(new int[48])))
        .setMetric(Metric.newBuilder().setLoss(LossMetric.getDefaultInstance()))
        .addGradients(
            Capture.newBuilder()
                .setHookPoint("*")
                .addReductions(Reduction.newBuilder().setNorm(Norm.getDefaultInstance())))
        .build();
  }

  @TestFactory
  List<DynamicTest> sizes() {
    return List.of(
        forward(
            "an answer that is too large",
            ErrorReason.RESPONSE_TOO_LARGE,
            "use StreamActivations",
            r ->
                r.clearPrompts()
                    .addAllPrompts(Collections.nCopies(64, TinyServer.prompt(new int[48])))
                    .addCaptures(Capture.newBuilder().setHookPoint("*"))),
        forward(
            "a pass that does not fit",
            ErrorReason.OUT_OF_BUDGET,
            "such rows at once",
            r ->
                r.clearPrompts()
                    .addAllPrompts(Collections.nCopies(64, TinyServer.prompt(new int[48])))
                    .setLoss(true)),
        dynamicTest(
            "gradients that do not fit",
            () ->
                assertThat(
                        refused(
                            ErrorReason.OUT_OF_BUDGET,
                            () -> tiny.attribution().computeGradients(manyGradients()).next()))
                    .hasMessageContaining("such rows at once")),
        dynamicTest(
            "a message over the limit",
            () ->
                refused(
                    ErrorReason.MESSAGE_TOO_LARGE,
                    () ->
                        tiny.stub()
                            .tokenize(
                                TokenizeRequest.newBuilder()
                                    .setModel(TinyServer.MODEL)
                                    .addTexts("x".repeat(9 << 20))
                                    .build()))),
        dynamicTest(
            "texts over their limit",
            () ->
                refused(
                    ErrorReason.INVALID_VALUE,
                    () ->
                        tiny.stub()
                            .tokenize(
                                TokenizeRequest.newBuilder()
                                    .setModel(TinyServer.MODEL)
                                    .addTexts("x".repeat((1 << 20) + 1))
                                    .build()))),
        dynamicTest(
            "an answer of tokens that is too large",
            () ->
                refused(
                    ErrorReason.RESPONSE_TOO_LARGE,
                    () ->
                        tiny.stub()
                            .tokenize(
                                TokenizeRequest.newBuilder()
                                    .setModel(TinyServer.MODEL)
                                    .addTexts("x".repeat(1 << 20))
                                    .build()))));
  }

  @Test
  void modelsThatAreNotThere() {
    StatusRuntimeException absent =
        refused(
            ErrorReason.MODEL_NOT_FOUND,
            () ->
                tiny.stub().getModel(GetModelRequest.newBuilder().setName("models/gpt5").build()));
    assertThat(absent).hasMessageContaining("models/gpt2-tiny");
    refused(
        ErrorReason.INVALID_NAME,
        () -> tiny.stub().getModel(GetModelRequest.newBuilder().setName("gpt2-tiny").build()));
    refused(
        ErrorReason.INVALID_PAGE_TOKEN,
        () -> tiny.stub().listModels(ListModelsRequest.newBuilder().setPageToken("x").build()));
    refused(
        ErrorReason.INVALID_VALUE,
        () -> tiny.stub().listModels(ListModelsRequest.newBuilder().setPageSize(-1).build()));
  }

  @Test
  void tenantsWithStrangeNames() {
    Metadata headers = new Metadata();
    headers.put(GatewayKey.TENANT, "a b");
    refused(
        ErrorReason.INVALID_VALUE,
        () ->
            tiny.stub()
                .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
                .listModels(ListModelsRequest.getDefaultInstance()));
  }

  private void generation(ErrorReason reason, String message, GenerateTextRequest.Builder change) {
    GenerateTextRequest request =
        GenerateTextRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .addPrompts(GOOD)
            .setMaxNewTokens(4)
            .mergeFrom(change.build())
            .build();
    assertThat(refused(reason, () -> tiny.stub().generateText(request).next()))
        .hasMessageContaining(message);
  }

  @Test
  void generationThatCannotBe() {
    GenerateTextRequest.Builder change = GenerateTextRequest.newBuilder();
    generation(
        ErrorReason.PROMPT_TOO_LONG, "ask for at most 45", change.clone().setMaxNewTokens(46));
    generation(ErrorReason.INVALID_VALUE, "max_new_tokens", change.clone().setMaxNewTokens(-1));
    generation(ErrorReason.INVALID_VALUE, "temperature", change.clone().setTemperature(11));
    generation(ErrorReason.NOT_FINITE, "temperature", change.clone().setTemperature(Float.NaN));
    generation(ErrorReason.INVALID_VALUE, "top_p", change.clone().setTopP(1.5f));
    generation(ErrorReason.INVALID_VALUE, "top_k", change.clone().setTopK(-1));
    generation(ErrorReason.TOKEN_OUT_OF_RANGE, "stop_tokens[0]", change.clone().addStopTokens(211));
    generation(
        ErrorReason.POSITION_OUT_OF_RANGE,
        "at most 7 tokens",
        change.clone().addInterventions(zeroAt("hook_embed").addPositions(7)));
  }

  @Test
  void lensAndAttributionAndHeads() {
    ComputeLogitLensRequest.Builder lens =
        ComputeLogitLensRequest.newBuilder().setModel(TinyServer.MODEL).setPrompt(GOOD);
    refused(
        ErrorReason.POSITION_OUT_OF_RANGE,
        () -> tiny.attribution().computeLogitLens(lens.clone().addPositions(3).build()));
    refused(
        ErrorReason.TOKEN_OUT_OF_RANGE,
        () -> tiny.attribution().computeLogitLens(lens.clone().addTrackedTokens(500).build()));
    refused(
        ErrorReason.INVALID_VALUE,
        () -> tiny.attribution().computeLogitLens(lens.clone().setTopK(21).build()));
    AttributeLogitsRequest.Builder split =
        AttributeLogitsRequest.newBuilder().setModel(TinyServer.MODEL).setPrompt(GOOD);
    refused(
        ErrorReason.POSITION_OUT_OF_RANGE,
        () -> tiny.attribution().attributeLogits(split.clone().setPosition(-4).build()));
    refused(
        ErrorReason.TOKEN_OUT_OF_RANGE,
        () -> tiny.attribution().attributeLogits(split.clone().setIncorrectToken(-1).build()));
    ScoreHeadsRequest.Builder heads =
        ScoreHeadsRequest.newBuilder().setModel(TinyServer.MODEL).addPrompts(GOOD);
    refused(ErrorReason.INVALID_VALUE, () -> tiny.heads().scoreHeads(heads.build()));
    refused(
        ErrorReason.INVALID_VALUE,
        () ->
            tiny.heads()
                .scoreHeads(
                    heads
                        .clone()
                        .setPattern(HeadPattern.HEAD_PATTERN_REPEATED_RANDOM)
                        .setRandomRepeats(RandomRepeats.newBuilder().setLength(24).setSequences(1))
                        .build()));
    refused(
        ErrorReason.INVALID_VALUE,
        () ->
            tiny.heads()
                .scoreHeads(
                    heads
                        .clone()
                        .clearPrompts()
                        .setPattern(HeadPattern.HEAD_PATTERN_INDUCTION)
                        .build()));
    refused(
        ErrorReason.TOKEN_OUT_OF_RANGE,
        () ->
            tiny.stub()
                .detokenize(
                    DetokenizeRequest.newBuilder().setModel(TinyServer.MODEL).addIds(211).build()));
  }

  private void projection(ErrorReason reason, long rows, long width, byte[] data) {
    Tensor directions =
        Tensor.newBuilder()
            .setLayout(
                TensorLayout.newBuilder()
                    .setDtype(DType.DTYPE_F32)
                    .addAxes(Axis.newBuilder().setName("row").setSize(rows))
                    .addAxes(Axis.newBuilder().setName("d_model").setSize(width)))
            .setData(ByteString.copyFrom(data))
            .build();
    refused(
        reason,
        () ->
            tiny.neurons()
                .projectToVocabulary(
                    ProjectToVocabularyRequest.newBuilder()
                        .setModel(TinyServer.MODEL)
                        .setDirections(directions)
                        .build()));
  }

  @Test
  void projectionsOfNoDirections() {
    projection(ErrorReason.WRONG_SHAPE, 1, 31, new byte[124]);
    projection(ErrorReason.WRONG_SHAPE, 1, 32, new byte[127]);
    projection(ErrorReason.WRONG_SHAPE, 0, 32, new byte[0]);
    projection(ErrorReason.MESSAGE_TOO_LARGE, 1L << 40, 32, new byte[0]);
    byte[] nan = new byte[128];
    nan[2] = (byte) 0xC0;
    nan[3] = 0x7F;
    projection(ErrorReason.NOT_FINITE, 1, 32, nan);
    refused(
        ErrorReason.WRONG_SHAPE,
        () ->
            tiny.neurons()
                .projectToVocabulary(
                    ProjectToVocabularyRequest.newBuilder().setModel(TinyServer.MODEL).build()));
  }
}
