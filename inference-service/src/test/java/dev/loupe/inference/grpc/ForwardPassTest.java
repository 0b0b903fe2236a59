package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.AddDirection;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.ClampFeature;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.RowResult;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.Scale;
import dev.loupe.proto.inference.v1.SetValue;
import dev.loupe.proto.inference.v1.TokenScore;
import dev.loupe.proto.inference.v1.Zero;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import dev.loupe.testkit.golden.GoldenTensor;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Golden values are held to 1e-4 of each tensor's largest magnitude. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ForwardPassTest {
  private static final String LOGITS = "unembed.hook_out";

  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private RunForwardPassRequest.Builder request() {
    return RunForwardPassRequest.newBuilder()
        .setModel(TinyServer.MODEL)
        .addAllPrompts(tiny.prompts());
  }

  private static Capture capture(String name) {
    return Capture.newBuilder().setHookPoint(name).build();
  }

  private Tensor logits(Intervention... interventions) {
    RunForwardPassResponse response =
        tiny.stub()
            .runForwardPass(
                request()
                    .addCaptures(capture(LOGITS))
                    .addAllInterventions(Arrays.asList(interventions))
                    .build());
    return Activations.byName(response).get(LOGITS);
  }

  @Test
  void everyGoldenActivationComesOverTheWire() {
    RunForwardPassResponse response =
        tiny.stub().runForwardPass(request().addCaptures(capture("*")).build());
    Map<String, Tensor> values = Activations.byName(response);
    List<String> names =
        tiny.golden().names().stream()
            .filter(name -> name.startsWith("run/") && !name.equals("run/logits"))
            .toList();
    assertThat(names).hasSize(60);
    for (String name : names) {
      Tensor value = values.get(name.substring("run/".length()));
      GoldenTensor expected = tiny.golden().tensor(name);
      GoldenAssert.assertClose(name, Activations.shape(value), Activations.floats(value), expected);
    }
    assertThat(Activations.axes(values.get("blocks.0.attn.hook_pattern")))
        .isEqualTo(Map.of("batch", 3L, "head", 4L, "query", 17L, "key", 17L));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hook_embed",
        "blocks.0.hook_resid_mid",
        "blocks.1.attn.hook_pattern",
        "blocks.1.attn.hook_z",
        "blocks.2.mlp.hook_post",
        "ln_final.hook_normalized"
      })
  void editsOverTheWireGiveTheGoldenLogits(String name) {
    Tensor logits =
        logits(
            Intervention.newBuilder()
                .setHookPoint(name)
                .setScale(Scale.newBuilder().setFactor(0.7f))
                .build());
    GoldenTensor expected = tiny.golden().tensor("edit_every/" + name);
    float[] all = Activations.floats(logits);
    float[] last = new float[3 * 211];
    for (int row = 0; row < 3; row++) {
      System.arraycopy(all, (row * 17 + 16) * 211, last, row * 211, 211);
    }
    GoldenAssert.assertClose(name, last, expected);
  }

  @Test
  void directionsAtPositionsAndHeadsBySelector() {
    AddDirection.Builder add = AddDirection.newBuilder().setCoefficient(4);
    for (float value : tiny.golden().tensor("edit/direction").floats()) {
      add.addDirection(value);
    }
    Tensor added =
        logits(
            Intervention.newBuilder()
                .setHookPoint("blocks.1.hook_resid_pre")
                .addAllPositions(List.of(2, 3, -13))
                .setAddDirection(add)
                .build());
    GoldenAssert.assertClose(
        "add",
        Activations.floats(added),
        tiny.golden().tensor("edit/add_4xdirection_resid_pre_1_pos2to4"));
    Tensor zeroed =
        logits(
            Intervention.newBuilder()
                .setHookPoint("blocks.2.attn.hook_z")
                .addHeads(1)
                .setZero(Zero.getDefaultInstance())
                .build());
    GoldenAssert.assertClose(
        "zero", Activations.floats(zeroed), tiny.golden().tensor("edit/zero_z_head1_last_layer"));
  }

  @Test
  void editsComeInOrderAndBeforeTheCapture() {
    String name = "blocks.1.hook_mlp_out";
    RunForwardPassResponse response =
        tiny.stub()
            .runForwardPass(
                request()
                    .addCaptures(capture(name))
                    .addInterventions(
                        Intervention.newBuilder()
                            .setHookPoint(name)
                            .setSet(SetValue.newBuilder().addValues(2)))
                    .addInterventions(
                        Intervention.newBuilder()
                            .setHookPoint(name)
                            .addRows(1)
                            .setScale(Scale.newBuilder().setFactor(-3)))
                    .build());
    float[] values = Activations.floats(Activations.byName(response).get(name));
    int row = 17 * 32;
    assertThat(Arrays.copyOfRange(values, 0, row)).containsOnly(2);
    assertThat(Arrays.copyOfRange(values, row, 2 * row)).containsOnly(-6);
  }

  @Test
  void aClampedFeatureMovesAlongItsDecoderAlone() {
    String name = "blocks.1.hook_resid_post";
    ClampFeature.Builder clamp = ClampFeature.newBuilder().setEncoderBias(0.1f).setMultiplier(0);
    for (int i = 0; i < 32; i++) {
      clamp.addEncoder(i == 3 ? 1 : 0).addDecoder(i == 5 ? 2 : 0);
    }
    RunForwardPassRequest plain = request().addCaptures(capture(name)).build();
    RunForwardPassRequest clamped =
        plain.toBuilder()
            .addInterventions(Intervention.newBuilder().setHookPoint(name).setClampFeature(clamp))
            .build();
    float[] before =
        Activations.floats(Activations.byName(tiny.stub().runForwardPass(plain)).get(name));
    float[] after =
        Activations.floats(Activations.byName(tiny.stub().runForwardPass(clamped)).get(name));
    for (int place = 0; place < before.length; place += 32) {
      float activation = Math.max(0, before[place + 3] + 0.1f);
      for (int i = 0; i < 32; i++) {
        float expected = before[place + i] - (i == 5 ? 2 * activation : 0);
        assertThat(after[place + i]).isCloseTo(expected, offset(1e-4f));
      }
    }
  }

  @Test
  void batchedEqualsSingle() {
    List<int[]> rows =
        List.of(tiny.rows().get(0), new int[] {7}, Arrays.copyOf(tiny.rows().get(2), 9));
    RunForwardPassRequest.Builder together =
        RunForwardPassRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .setTopK(3)
            .setLoss(true)
            .addCaptures(capture("blocks.2.hook_resid_post"));
    rows.forEach(row -> together.addPrompts(TinyServer.prompt(row)));
    RunForwardPassResponse batch = tiny.stub().runForwardPass(together.build());
    Tensor batched = Activations.byName(batch).get("blocks.2.hook_resid_post");
    float[] all = Activations.floats(batched);
    int width = (int) Activations.shape(batched)[1];
    for (int r = 0; r < rows.size(); r++) {
      RunForwardPassResponse alone =
          tiny.stub()
              .runForwardPass(
                  together
                      .clone()
                      .clearPrompts()
                      .addPrompts(TinyServer.prompt(rows.get(r)))
                      .build());
      double[] single =
          doubles(Activations.floats(Activations.byName(alone).get("blocks.2.hook_resid_post")));
      int from = r * width * 32;
      GoldenAssert.assertClose(
          "row " + r,
          Arrays.copyOfRange(all, from, from + single.length),
          single,
          Golden.TOLERANCE);
      assertSame(batch.getRows(r), alone.getRows(0));
    }
  }

  private static void assertSame(RowResult batched, RowResult single) {
    assertThat(batched.getIdsList()).isEqualTo(single.getIdsList());
    assertThat(batched.getTokenLossesCount()).isEqualTo(batched.getIdsCount() - 1);
    for (int i = 0; i < batched.getTokenLossesCount(); i++) {
      assertThat(batched.getTokenLosses(i)).isCloseTo(single.getTokenLosses(i), offset(1e-3f));
    }
    List<TokenScore> top = batched.getPredictions(0).getTopList();
    assertThat(batched.getPredictions(0).getPosition()).isEqualTo(batched.getIdsCount() - 1);
    assertThat(top)
        .extracting(TokenScore::getId)
        .isEqualTo(single.getPredictions(0).getTopList().stream().map(TokenScore::getId).toList());
  }

  @Test
  void predictionsAreTheLogitsBestTokens() {
    RunForwardPassResponse response =
        tiny.stub()
            .runForwardPass(
                request().setTopK(5).addPredictionPositions(-1).addPredictionPositions(4).build());
    double[] logits = tiny.golden().tensor("run/logits").values();
    double bound = Golden.TOLERANCE * tiny.golden().tensor("run/logits").largest();
    for (int row = 0; row < 3; row++) {
      assertThat(response.getRows(row).getPredictionsList())
          .extracting(p -> p.getPosition())
          .containsExactly(16, 4);
      for (var prediction : response.getRows(row).getPredictionsList()) {
        int at = (row * 17 + prediction.getPosition()) * 211;
        double[] here = Arrays.copyOfRange(logits, at, at + 211);
        double sum = Arrays.stream(here).map(Math::exp).sum();
        double[] sorted = Arrays.stream(here).sorted().toArray();
        for (int i = 0; i < 5; i++) {
          TokenScore score = prediction.getTop(i);
          assertThat((double) score.getLogit()).isCloseTo(sorted[210 - i], offset(bound));
          assertThat((double) score.getLogit()).isCloseTo(here[score.getId()], offset(bound));
          assertThat((double) score.getProbability())
              .isCloseTo(Math.exp(here[score.getId()]) / sum, offset(1e-4));
        }
      }
    }
  }

  @Test
  void textGetsItsBeginningUnlessToldOtherwise() {
    RunForwardPassRequest.Builder request =
        RunForwardPassRequest.newBuilder()
            .setModel(TinyServer.MODEL)
            .addPrompts(TinyServer.prompt("at the"));
    RowResult row = tiny.stub().runForwardPass(request.build()).getRows(0);
    assertThat(row.getIdsList()).containsExactly(TinyServer.BOS, (int) 'a', (int) 't', 3);
    assertThat(row.getTokensList()).containsExactly("<|endoftext|>", "a", "t", " the");
    assertThat(row.getPredictionsList()).isEmpty();
    RowResult bare = tiny.stub().runForwardPass(request.setOmitBos(true).build()).getRows(0);
    assertThat(bare.getIdsList()).containsExactly((int) 'a', (int) 't', 3);
  }

  private static double[] doubles(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  @Test
  void aRowsMeanLossIsTheMeanOfItsTokens() {
    RunForwardPassResponse response =
        tiny.stub()
            .runForwardPass(
                request().setLoss(true).addPrompts(TinyServer.prompt(7)).clearCaptures().build());
    for (RowResult row : response.getRowsList().subList(0, 3)) {
      assertThat(row.getTokenLossesCount()).isEqualTo(16);
      double mean =
          row.getTokenLossesList().stream().mapToDouble(Float::doubleValue).average().orElseThrow();
      assertThat((double) row.getMeanLoss()).isCloseTo(mean, offset(1e-5));
      assertThat(row.getMeanLoss()).isPositive();
    }
    assertThat(response.getRows(3).hasMeanLoss()).as("one token has no loss").isFalse();
    assertThat(tiny.stub().runForwardPass(request().setTopK(1).build()).getRows(0).hasMeanLoss())
        .isFalse();
  }

  @Test
  void aPatternOfNamesEditsEveryHookPointThatItFits() {
    Intervention.Builder scale =
        Intervention.newBuilder().addHeads(1).setScale(Scale.newBuilder().setFactor(0.3f));
    Tensor together = logits(scale.clone().setHookPoint("blocks.*.attn.hook_z").build());
    Tensor apart =
        logits(
            scale.clone().setHookPoint("z0").build(),
            scale.clone().setHookPoint("z1").build(),
            scale.clone().setHookPoint("blocks.2.attn.hook_z").build());
    assertThat(together).isEqualTo(apart);
    assertThat(together).isNotEqualTo(logits(scale.clone().setHookPoint("z0").build()));
  }

  @Test
  void aPatternThatFitsWhereTheEditDoesNotIsRefused() {
    Intervention direction =
        Intervention.newBuilder()
            .setHookPoint("blocks.0.*")
            .setAddDirection(
                AddDirection.newBuilder()
                    .addAllDirection(java.util.Collections.nCopies(32, 1f))
                    .setCoefficient(1))
            .build();
    assertThatThrownBy(() -> logits(direction))
        .hasMessageContaining("interventions[0]")
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.WRONG_SHAPE));
    Intervention none =
        Intervention.newBuilder()
            .setHookPoint("block.*.hook_z")
            .setZero(Zero.getDefaultInstance())
            .build();
    assertThatThrownBy(() -> logits(none))
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.UNKNOWN_HOOK_POINT));
    Intervention everything =
        Intervention.newBuilder().setHookPoint("*").setZero(Zero.getDefaultInstance()).build();
    Intervention[] many = new Intervention[150];
    Arrays.fill(many, everything);
    assertThatThrownBy(() -> logits(many))
        .hasMessageContaining("at most 10000 hook points")
        .satisfies(e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.INVALID_VALUE));
  }
}
