package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.data.Offset.offset;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.proto.inference.v1.DotProducts;
import dev.loupe.proto.inference.v1.HeadPattern;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.Patch;
import dev.loupe.proto.inference.v1.ProjectOut;
import dev.loupe.proto.inference.v1.ProjectToVocabularyRequest;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.Reduction;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.RunWithHooksHeader;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.proto.inference.v1.ScoreHeadsRequest;
import dev.loupe.proto.inference.v1.SetValue;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.proto.tensor.v1.TensorChunk;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.grpc.TensorMessages;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What clients send in 16 bits means what the same numbers mean in 32. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class WireTypesTest {
  private static final String RESID = "blocks.1.hook_resid_pre";
  private static final String SCORES = "blocks.0.attn.hook_attn_scores";
  private static final String PATTERN = "blocks.0.attn.hook_pattern";
  private static final Prompt ROW = TinyServer.prompt(7, 40, 3, 99);

  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private static LabelledTensor numbers(ElementType type, int rows, int width) {
    Random random = new Random(rows + width);
    float[] values = new float[rows * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    HostTensor rounded = HostTensor.ofFloats(values, rows, width).as(type);
    return new LabelledTensor(rounded, List.of("row", "column"));
  }

  private static LabelledTensor widened(LabelledTensor tensor) {
    return new LabelledTensor(tensor.tensor().toF32(), tensor.axes());
  }

  private RunForwardPassResponse pass(Intervention.Builder edit, Capture.Builder capture) {
    RunForwardPassRequest.Builder request =
        RunForwardPassRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .addPrompts(ROW)
            .addCaptures(capture);
    if (edit != null) {
      request.addInterventions(edit);
    }
    return tiny.stub().runForwardPass(request.build());
  }

  private static Capture.Builder all(String hookPoint) {
    return Capture.newBuilder().setHookPoint(hookPoint);
  }

  private static void same(LabelledTensor narrow, Function<Tensor, List<CapturedActivation>> run) {
    assertThat(run.apply(TensorMessages.toMessage(narrow)))
        .isNotEmpty()
        .isEqualTo(run.apply(TensorMessages.toMessage(widened(narrow))));
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void vectorsOfDotProducts(ElementType type) {
    same(
        numbers(type, 3, 32),
        vectors ->
            pass(
                    null,
                    all(RESID)
                        .addReductions(
                            Reduction.newBuilder()
                                .setDot(DotProducts.newBuilder().setVectors(vectors))))
                .getActivationsList());
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void editsOfDirectionsAndOfGivenValues(ElementType type) {
    same(
        numbers(type, 2, 32),
        directions ->
            pass(
                    Intervention.newBuilder()
                        .setHookPoint(RESID)
                        .setProjectOut(ProjectOut.newBuilder().setDirections(directions)),
                    all(RESID))
                .getActivationsList());
    same(
        numbers(type, 4, 32),
        value ->
            pass(
                    Intervention.newBuilder()
                        .setHookPoint(RESID)
                        .setPatch(Patch.newBuilder().setValue(value)),
                    all(RESID))
                .getActivationsList());
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void projectionsToTheVocabulary(ElementType type) {
    LabelledTensor directions = numbers(type, 2, 32);
    Function<LabelledTensor, Object> run =
        tensor ->
            tiny.neurons()
                .projectToVocabulary(
                    ProjectToVocabularyRequest.newBuilder()
                        .setModel(TinyServer.MODEL)
                        .setDirections(TensorMessages.toMessage(tensor))
                        .build())
                .getProjectionsList();
    assertThat(run.apply(directions)).isEqualTo(run.apply(widened(directions)));
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void replacementsAtAPause(ElementType type) throws Exception {
    LabelledTensor narrow =
        new LabelledTensor(
            new HostTensor(type, new long[] {1, 4, 32}, numbers(type, 4, 32).tensor().data()),
            List.of("batch", "pos", "d_model"));

    RunForwardPassResponse result = replaced(RESID, TensorMessages.chunks(narrow).next());

    assertThat(Activations.byName(result).get(RESID))
        .isEqualTo(TensorMessages.toMessage(widened(narrow)));
  }

  /** Answers the first pause with a replacement; gives the pass's result. */
  private RunForwardPassResponse replaced(String hookPoint, TensorChunk replacement)
      throws Exception {
    CompletableFuture<RunForwardPassResponse> result = new CompletableFuture<>();
    AtomicReference<StreamObserver<RunWithHooksRequest>> requests = new AtomicReference<>();
    StreamObserver<RunWithHooksResponse> responses =
        new StreamObserver<>() {
          @Override
          public void onNext(RunWithHooksResponse response) {
            if (response.hasResult()) {
              result.complete(response.getResult());
            } else {
              requests
                  .get()
                  .onNext(RunWithHooksRequest.newBuilder().setReplacement(replacement).build());
            }
          }

          @Override
          public void onError(Throwable t) {
            result.completeExceptionally(t);
          }

          @Override
          public void onCompleted() {}
        };
    requests.set(tiny.async().runWithHooks(responses));
    requests
        .get()
        .onNext(
            RunWithHooksRequest.newBuilder()
                .setHeader(
                    RunWithHooksHeader.newBuilder()
                        .setForwardPass(
                            RunForwardPassRequest.newBuilder()
                                .setModel(TinyServer.MODEL)
                                .addPrompts(ROW)
                                .addCaptures(all(hookPoint))
                                .addCaptures(all(PATTERN)))
                        .addHookPoints(hookPoint))
                .build());
    return result.get(60, TimeUnit.SECONDS);
  }

  @Test
  void scoresOfMinusInfinityHideKeys() throws Exception {
    Intervention.Builder hidden =
        Intervention.newBuilder()
            .setHookPoint(SCORES)
            .addPositions(3)
            .addNeurons(0)
            .addNeurons(2)
            .setSet(SetValue.newBuilder().addValues(Float.NEGATIVE_INFINITY));

    float[] edited = Activations.floats(pass(hidden, all(PATTERN)).getActivations(0).getValue());
    float[] plain = Activations.floats(pass(null, all(PATTERN)).getActivations(0).getValue());
    for (int head = 0; head < 4; head++) {
      int at = head * 16 + 12; // the last query's keys
      assertThat(edited[at]).isZero();
      assertThat(edited[at + 2]).isZero();
      // The others share what was theirs, in the same proportion.
      assertThat(edited[at + 1] + edited[at + 3]).isCloseTo(1, offset(1e-5f));
      assertThat(edited[at + 1] * plain[at + 3])
          .isCloseTo(edited[at + 3] * plain[at + 1], offset(1e-5f));
    }

    float[] none = new float[4 * 4 * 4];
    Arrays.fill(none, Float.NEGATIVE_INFINITY);
    TensorChunk scores =
        TensorMessages.chunks(
                new LabelledTensor(
                    HostTensor.ofFloats(none, 1, 4, 4, 4),
                    List.of("batch", "head", "query", "key")))
            .next();
    assertThat(Activations.floats(Activations.byName(replaced(SCORES, scores)).get(PATTERN)))
        .as("a query from which all keys are hidden attends to none")
        .containsOnly(0f);
  }

  private static void refused(String message, String field, ThrowingCallable call) {
    StatusRuntimeException e = catchThrowableOfType(StatusRuntimeException.class, call);
    assertThat(LoupeErrors.reason(e)).hasValue(ErrorReason.WRONG_SHAPE);
    assertThat(e).hasMessageContaining(message);
    assertThat(LoupeErrors.metadata(e)).containsEntry("field", field);
  }

  @Test
  void tensorsThatAreMissingOrBrokenAreNamed() {
    String dot = "captures[0].reductions[0].dot.vectors";
    Reduction.Builder empty = Reduction.newBuilder().setDot(DotProducts.getDefaultInstance());
    refused(
        dot + " is empty; give F32, F16 or BF16 [vector, n]",
        dot,
        () -> pass(null, all(RESID).addReductions(empty)));
    Tensor whole = TensorMessages.toMessage(numbers(ElementType.F32, 1, 32));
    Tensor cut = whole.toBuilder().setData(whole.getData().substring(1)).build();
    refused(
        dot + ": data has 127 bytes; expected 128",
        dot,
        () ->
            pass(
                null,
                all(RESID)
                    .addReductions(
                        Reduction.newBuilder().setDot(DotProducts.newBuilder().setVectors(cut)))));
    refused(
        "interventions[0].project_out.directions is empty",
        "interventions[0].project_out.directions",
        () ->
            pass(
                Intervention.newBuilder()
                    .setHookPoint(RESID)
                    .setProjectOut(ProjectOut.getDefaultInstance()),
                all(RESID)));
    refused(
        "custom_mask is empty; give F32, F16 or BF16 [query, key]",
        "custom_mask",
        () ->
            tiny.heads()
                .scoreHeads(
                    ScoreHeadsRequest.newBuilder()
                        .setModel(TinyServer.MODEL)
                        .addPrompts(ROW)
                        .setPattern(HeadPattern.HEAD_PATTERN_CUSTOM)
                        .build()));
  }
}
