package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.AttributeLogitsRequest;
import dev.loupe.proto.inference.v1.AttributeLogitsResponse;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.proto.inference.v1.ComputeGradientsRequest;
import dev.loupe.proto.inference.v1.ComputeGradientsResponse;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.LogitDifferenceMetric;
import dev.loupe.proto.inference.v1.LossMetric;
import dev.loupe.proto.inference.v1.Metric;
import dev.loupe.proto.inference.v1.Norm;
import dev.loupe.proto.inference.v1.PatchByAttributionRequest;
import dev.loupe.proto.inference.v1.PatchByAttributionResponse;
import dev.loupe.proto.inference.v1.Reduction;
import dev.loupe.proto.inference.v1.Scale;
import dev.loupe.proto.inference.v1.SetValue;
import dev.loupe.proto.inference.v1.TokenLogitMetric;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Gradients over real sockets; golden values are held to 1e-4 of each tensor's largest magnitude.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GradientApiTest {
  private static final Metric DIFFERENCE =
      Metric.newBuilder()
          .setLogitDifference(
              LogitDifferenceMetric.newBuilder().setPosition(-1).setToken(3).setIncorrectToken(7))
          .build();

  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private static Capture everything(String name) {
    return Capture.newBuilder().setHookPoint(name).build();
  }

  private static float[] floats(byte[] bytes) {
    float[] values = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  private ComputeGradientsRequest.Builder request() {
    return ComputeGradientsRequest.newBuilder()
        .setModel(TinyServer.MODEL)
        .addPrompts(tiny.prompts().get(0))
        .setMetric(DIFFERENCE);
  }

  /** What a stream gave: gradients and activations by capture and name. */
  private static final class Answer {
    private final Map<String, ByteArrayOutputStream> gradients = new LinkedHashMap<>();
    private final Map<String, ByteArrayOutputStream> activations = new LinkedHashMap<>();
    private final List<Float> metrics = new ArrayList<>();

    Answer(Iterator<ComputeGradientsResponse> responses) {
      ComputeGradientsResponse first = responses.next();
      assertThat(first.hasRun()).isTrue();
      assertThat(first.getRun().getProvenance().getWeightsSha256()).hasSize(64);
      first.getRun().getRowsList().forEach(row -> metrics.add(row.getMetric()));
      responses.forEachRemaining(
          response -> {
            var chunk = response.hasGradient() ? response.getGradient() : response.getActivation();
            (response.hasGradient() ? gradients : activations)
                .computeIfAbsent(
                    chunk.getCapture() + " " + chunk.getHookPoint(),
                    key -> new ByteArrayOutputStream())
                .writeBytes(chunk.getChunk().getData().toByteArray());
          });
    }
  }

  private Answer run(ComputeGradientsRequest.Builder request) {
    return new Answer(tiny.attribution().computeGradients(request.build()));
  }

  @Test
  void everyGoldenGradientWithItsActivation() {
    Answer answer = run(request().addGradients(everything("*")).addActivations(everything("*")));
    int golden = 0;
    for (String name : tiny.golden().names()) {
      if (name.startsWith("grad/")) {
        String point = name.substring("grad/".length());
        GoldenAssert.assertClose(
            name,
            floats(answer.gradients.get("0 " + point).toByteArray()),
            tiny.golden().tensor(name));
        golden++;
      }
    }
    assertThat(golden).isEqualTo(57);
    assertThat(answer.activations.keySet()).isEqualTo(answer.gradients.keySet());
    double[] resid = tiny.golden().tensor("run/blocks.1.hook_resid_mid").values();
    GoldenAssert.assertClose(
        "activation",
        floats(answer.activations.get("0 blocks.1.hook_resid_mid").toByteArray()),
        java.util.Arrays.copyOf(resid, 17 * 32),
        Golden.TOLERANCE);
    double[] logits = tiny.golden().tensor("run/logits").values();
    assertThat((double) answer.metrics.get(0))
        .isCloseTo(logits[16 * 211 + 3] - logits[16 * 211 + 7], offset(1e-4));
  }

  @Test
  void gradientsAreSlicedAndReducedAsCapturesAre() {
    Answer answer =
        run(
            request()
                .addGradients(
                    Capture.newBuilder()
                        .setHookPoint("blocks.1.attn.hook_z")
                        .addPositions(-1)
                        .addPositions(2)
                        .addHeads(3))
                .addGradients(
                    Capture.newBuilder()
                        .setHookPoint("blocks.2.hook_resid_pre")
                        .addReductions(Reduction.newBuilder().setNorm(Norm.getDefaultInstance()))));
    double[] z = tiny.golden().tensor("grad/blocks.1.attn.hook_z").values();
    double[] expected = new double[16];
    System.arraycopy(z, (16 * 4 + 3) * 8, expected, 0, 8);
    System.arraycopy(z, (2 * 4 + 3) * 8, expected, 8, 8);
    GoldenAssert.assertClose(
        "slice",
        floats(answer.gradients.get("0 blocks.1.attn.hook_z").toByteArray()),
        expected,
        Golden.TOLERANCE);
    double[] resid = tiny.golden().tensor("grad/blocks.2.hook_resid_pre").values();
    double[] norms = new double[17];
    for (int p = 0; p < 17; p++) {
      double sum = 0;
      for (int i = 0; i < 32; i++) {
        sum += resid[p * 32 + i] * resid[p * 32 + i];
      }
      norms[p] = Math.sqrt(sum);
    }
    GoldenAssert.assertClose(
        "norm",
        floats(answer.gradients.get("1 blocks.2.hook_resid_pre").toByteArray()),
        norms,
        Golden.TOLERANCE);
  }

  @Test
  void aGradientFlowsBackThroughAnEdit() {
    Intervention half =
        Intervention.newBuilder()
            .setHookPoint("blocks.2.hook_resid_post")
            .setScale(Scale.newBuilder().setFactor(0.5f))
            .build();
    Answer plain = run(request().addGradients(everything("ln_final.hook_normalized")));
    Answer edited =
        run(
            request()
                .addGradients(everything("blocks.2.hook_resid_post"))
                .addGradients(everything("blocks.2.hook_mlp_out"))
                .addInterventions(half));
    float[] after = floats(edited.gradients.get("0 blocks.2.hook_resid_post").toByteArray());
    float[] before = floats(edited.gradients.get("1 blocks.2.hook_mlp_out").toByteArray());
    double[] expected = new double[after.length];
    for (int i = 0; i < after.length; i++) {
      expected[i] = 0.5 * after[i];
    }
    GoldenAssert.assertClose("before the edit", before, expected, Golden.TOLERANCE);
    assertThat(edited.metrics.get(0)).isCloseTo(plain.metrics.get(0), offset(1e-2f));
  }

  @Test
  void eachRowHasTheGradientOfItsOwnMetric() {
    Metric loss = Metric.newBuilder().setLoss(LossMetric.getDefaultInstance()).build();
    ComputeGradientsRequest.Builder both =
        ComputeGradientsRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .setMetric(loss)
            .addPrompts(TinyServer.prompt(5, 6, 7))
            .addPrompts(tiny.prompts().get(2))
            .addGradients(everything("resid_pre1"));
    ComputeGradientsRequest.Builder one =
        both.clone().clearPrompts().addPrompts(TinyServer.prompt(5, 6, 7));
    Answer together = run(both);
    Answer alone = run(one);
    String key = "0 blocks.1.hook_resid_pre";
    float[] expected = floats(alone.gradients.get(key).toByteArray());
    float[] actual =
        java.util.Arrays.copyOf(floats(together.gradients.get(key).toByteArray()), expected.length);
    double[] wide = new double[expected.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = expected[i];
    }
    GoldenAssert.assertClose("row 0", actual, wide, Golden.TOLERANCE);
    assertThat(together.metrics.get(0)).isCloseTo(alone.metrics.get(0), offset(1e-4f));
  }

  @Test
  void attributionPatchingOfRow0IntoRow1() {
    PatchByAttributionResponse response =
        tiny.attribution()
            .patchByAttribution(
                PatchByAttributionRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .setClean(tiny.prompts().get(0))
                    .setCorrupt(tiny.prompts().get(1))
                    .setMetric(DIFFERENCE)
                    .addHookPoints("blocks.*.hook_resid_pre")
                    .addHookPoints("blocks.*.attn.hook_z")
                    .build());
    assertThat(response.getEffectsCount()).isEqualTo(6);
    for (CapturedActivation effect : response.getEffectsList()) {
      boolean heads = effect.getHookPoint().endsWith("hook_z");
      assertThat(effect.getValue().getLayout().getAxesList())
          .extracting(Axis::getName)
          .isEqualTo(heads ? List.of("pos", "head") : List.of("pos"));
      GoldenAssert.assertClose(
          effect.getHookPoint(),
          floats(effect.getValue().getData().toByteArray()),
          tiny.golden().tensor("attribution_patching/" + effect.getHookPoint()));
    }
    assertThat(response.getProvenance().getModel()).isEqualTo(TinyServer.MODEL);
  }

  @Test
  void logitsByNeuron() {
    AttributeLogitsResponse response =
        tiny.attribution()
            .attributeLogits(
                AttributeLogitsRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .setPrompt(tiny.prompts().get(0))
                    .setPosition(-1)
                    .setToken(3)
                    .setIncorrectToken(7)
                    .setTopNeurons(5)
                    .build());
    assertThat(response.getNeuronsCount()).isEqualTo(5);
    assertThat(Math.abs(response.getNeurons(0).getLogit()))
        .isGreaterThanOrEqualTo(Math.abs(response.getNeurons(4).getLogit()));
  }

  @Test
  void refusesWhatCannotBe() {
    refused(request(), "gradients has 0 entries");
    refused(
        request().addGradients(everything("no_such")),
        "gradients[0]: unknown hook point",
        "no_such");
    refused(
        request()
            .addGradients(everything("hook_embed"))
            .addActivations(everything("hook_embed").toBuilder().addPositions(99)),
        "activations[0]: positions holds 99");
    refused(
        request().addGradients(everything("z0")).setMetric(Metric.getDefaultInstance()),
        "metric",
        "logit_difference");
    refused(
        request()
            .addGradients(everything("z0"))
            .setMetric(
                Metric.newBuilder()
                    .setLogit(TokenLogitMetric.newBuilder().setPosition(17).setToken(1))),
        "position is 17",
        "-17 to 16");
    refused(
        request()
            .addGradients(everything("blocks.0.ln1.hook_scale"))
            .addInterventions(
                Intervention.newBuilder()
                    .setHookPoint("blocks.0.hook_q_input")
                    .setScale(Scale.newBuilder().setFactor(2))),
        "blocks.0.ln1.hook_scale",
        "exclude each other");
    refused(
        request()
            .addGradients(everything("z0"))
            .setMetric(Metric.newBuilder().setLoss(LossMetric.getDefaultInstance()))
            .addInterventions(
                Intervention.newBuilder()
                    .setHookPoint("unembed.hook_in")
                    .setSet(SetValue.newBuilder().addValues(3e38f))),
        "the logits of the metric of prompts[0] are not finite numbers");
    assertThatThrownBy(
            () ->
                tiny.attribution()
                    .patchByAttribution(
                        PatchByAttributionRequest.newBuilder()
                            .setModel(TinyServer.MODEL)
                            .setClean(TinyServer.prompt(1, 2))
                            .setCorrupt(TinyServer.prompt(1, 2, 3))
                            .setMetric(DIFFERENCE)
                            .addHookPoints("z0")
                            .build()))
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessageContaining("corrupt")
        .hasMessageContaining("2 tokens");
  }

  private void refused(ComputeGradientsRequest.Builder request, String... parts) {
    assertThatThrownBy(() -> run(request))
        .isInstanceOf(StatusRuntimeException.class)
        .hasMessageContainingAll(parts);
  }
}
