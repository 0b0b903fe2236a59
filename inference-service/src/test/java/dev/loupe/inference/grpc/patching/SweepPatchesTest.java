package dev.loupe.inference.grpc.patching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.loupe.inference.TinyServer;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.KlDivergenceMetric;
import dev.loupe.proto.inference.v1.LossMetric;
import dev.loupe.proto.inference.v1.Metric;
import dev.loupe.proto.inference.v1.PatchSpread;
import dev.loupe.proto.inference.v1.PatchedActivation;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.SetValue;
import dev.loupe.proto.inference.v1.SweepCell;
import dev.loupe.proto.inference.v1.SweepPatchesRequest;
import dev.loupe.proto.inference.v1.SweepPatchesResponse;
import dev.loupe.proto.inference.v1.SweepRun;
import dev.loupe.proto.inference.v1.TokenLogitMetric;
import dev.loupe.proto.inference.v1.TokenScore;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.StatusRuntimeException;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SweepPatchesTest {
  private static final int[] CLEAN = {5, 80, 9, 33, 12};
  private static final int[] CORRUPT = {5, 81, 9, 34, 12};
  private static final int TOKEN = 17;

  private TinyServer tiny;

  @BeforeAll
  void start(@TempDir Path folder) {
    tiny = new TinyServer(folder);
  }

  @AfterAll
  void stop() {
    tiny.close();
  }

  private static SweepPatchesRequest.Builder request(PatchedActivation activation) {
    return SweepPatchesRequest.newBuilder()
        .setModel(TinyServer.MODEL)
        .setClean(TinyServer.prompt(CLEAN))
        .setCorrupt(TinyServer.prompt(CORRUPT))
        .setActivation(activation)
        .setSpread(PatchSpread.PATCH_SPREAD_BY_POSITION)
        .setMetric(
            Metric.newBuilder()
                .setLogit(TokenLogitMetric.newBuilder().setPosition(-1).setToken(TOKEN)));
  }

  private record Sweep(SweepRun run, List<SweepCell> cells, long first) {}

  private Sweep sweep(SweepPatchesRequest.Builder request) {
    SweepRun run = null;
    List<SweepCell> cells = new ArrayList<>();
    long next = request.getFirstCell();
    for (var all = tiny.patching().sweepPatches(request.build()); all.hasNext(); ) {
      SweepPatchesResponse response = all.next();
      if (response.hasRun()) {
        assertThat(run).isNull();
        run = response.getRun();
      } else {
        assertThat(run).isNotNull();
        assertThat(response.getCells().getFirstCell()).isEqualTo(next);
        next += response.getCells().getCellsCount();
        cells.addAll(response.getCells().getCellsList());
      }
    }
    return new Sweep(run, cells, next);
  }

  /** The slow way: read the clean run, and set what was read in a run of its own. */
  private float patched(String hookPoint, int position) {
    FloatBuffer clean =
        tiny.stub()
            .runForwardPass(
                RunForwardPassRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .addPrompts(TinyServer.prompt(CLEAN))
                    .addCaptures(
                        dev.loupe.proto.inference.v1.Capture.newBuilder().setHookPoint(hookPoint))
                    .build())
            .getActivations(0)
            .getValue()
            .getData()
            .asReadOnlyByteBuffer()
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
    int width = clean.remaining() / CLEAN.length;
    SetValue.Builder value = SetValue.newBuilder();
    for (int i = 0; i < width; i++) {
      value.addValues(clean.get(position * width + i));
    }
    return logit(
        Intervention.newBuilder()
            .setHookPoint(hookPoint)
            .addPositions(position)
            .setSet(value)
            .build());
  }

  private float logit(Intervention... edits) {
    return tiny
        .stub()
        .runForwardPass(
            RunForwardPassRequest.newBuilder()
                .setModel(TinyServer.MODEL)
                .addPrompts(TinyServer.prompt(CORRUPT))
                .addAllInterventions(List.of(edits))
                .setTopK(100)
                .build())
        .getRows(0)
        .getPredictions(0)
        .getTopList()
        .stream()
        .filter(score -> score.getId() == TOKEN)
        .map(TokenScore::getLogit)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void cellsAreRunsWithOneActivationOfTheOther() {
    Sweep sweep = sweep(request(PatchedActivation.PATCHED_ACTIVATION_MLP_OUT));

    assertThat(sweep.run().getTotalCells()).isEqualTo(sweep.cells().size());
    assertThat(sweep.run().getProvenance().getModel()).isEqualTo(TinyServer.MODEL);
    assertThat(sweep.run().getCorrupt().getIdsList()).containsExactly(5, 81, 9, 34, 12);
    assertThat(sweep.run().getCorrupt().getMetric()).isCloseTo(logit(), offset(1e-4f));
    int index = 0;
    int layers = sweep.cells().size() / CLEAN.length;
    for (int position = 0; position < CLEAN.length; position++) {
      for (int layer = 0; layer < layers; layer++) {
        SweepCell cell = sweep.cells().get(index++);
        assertThat(cell.getPosition()).isEqualTo(position);
        assertThat(cell.getLayer()).isEqualTo(layer);
        assertThat(cell.hasHead()).isFalse();
        assertThat(cell.getMetric())
            .isCloseTo(patched("blocks." + layer + ".hook_mlp_out", position), offset(1e-4f));
      }
    }
  }

  @Test
  void axesAreChosen() {
    Sweep sweep =
        sweep(
            request(PatchedActivation.PATCHED_ACTIVATION_HEAD_Z)
                .addLayers(1)
                .addPositions(-1)
                .addPositions(1)
                .addHeads(3)
                .addHeads(0));

    assertThat(sweep.cells()).extracting(SweepCell::getPosition).containsExactly(1, 1, 4, 4);
    assertThat(sweep.cells()).extracting(SweepCell::getHead).containsExactly(0, 3, 0, 3);
    assertThat(sweep.cells()).extracting(SweepCell::getLayer).containsOnly(1);
  }

  @Test
  void aSweepThatBrokeOffGoesOn() {
    SweepPatchesRequest.Builder request = request(PatchedActivation.PATCHED_ACTIVATION_HEAD_V);
    Sweep whole = sweep(request);
    Sweep rest = sweep(request.setFirstCell(23));

    assertThat(rest.run()).isEqualTo(whole.run());
    assertThat(rest.cells()).hasSize(whole.cells().size() - 23);
    for (int i = 0; i < rest.cells().size(); i++) {
      SweepCell expected = whole.cells().get(23 + i);
      assertThat(rest.cells().get(i).getMetric()).isCloseTo(expected.getMetric(), offset(1e-4f));
      assertThat(rest.cells().get(i).toBuilder().clearMetric().build())
          .isEqualTo(expected.toBuilder().clearMetric().build());
    }
  }

  @Test
  void normalizedCellsSayHowMuchComesBack() {
    SweepPatchesRequest.Builder request = request(PatchedActivation.PATCHED_ACTIVATION_RESID_PRE);
    Sweep plain = sweep(request);
    Sweep normalized = sweep(request.setNormalize(true));
    double clean = plain.run().getClean().getMetric();
    double corrupt = plain.run().getCorrupt().getMetric();
    for (int i = 0; i < plain.cells().size(); i++) {
      double share = (plain.cells().get(i).getMetric() - corrupt) / (clean - corrupt);
      assertThat((double) normalized.cells().get(i).getMetric()).isCloseTo(share, offset(1e-3));
    }
    assertThat(normalized.cells().get(0).getMetric()).as("tokens that agree").isZero();
  }

  @Test
  void allPositionsAtOnceBringTheWholeResidualStreamBack() {
    Sweep sweep =
        sweep(
            request(PatchedActivation.PATCHED_ACTIVATION_RESID_PRE)
                .setSpread(PatchSpread.PATCH_SPREAD_ALL_POSITIONS)
                .setNormalize(true));

    assertThat(sweep.cells()).noneMatch(SweepCell::hasPosition);
    assertThat(sweep.cells()).allMatch(cell -> Math.abs(cell.getMetric() - 1) < 1e-3);
  }

  @Test
  void aDivergenceFromTheCleanRunGoesToZeroAsItComesBack() {
    Sweep sweep =
        sweep(
            request(PatchedActivation.PATCHED_ACTIVATION_RESID_PRE)
                .setSpread(PatchSpread.PATCH_SPREAD_ALL_POSITIONS)
                .setMetric(
                    Metric.newBuilder()
                        .setKlDivergence(
                            KlDivergenceMetric.newBuilder()
                                .setPosition(-1)
                                .setReference(TinyServer.prompt(CLEAN)))));

    assertThat(sweep.run().getCorrupt().getMetric()).isGreaterThan(1e-3f);
    assertThat(sweep.cells()).allMatch(cell -> Math.abs(cell.getMetric()) < 1e-4);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    PatchedActivation z = PatchedActivation.PATCHED_ACTIVATION_HEAD_Z;
    refused(
        request(z).setCorrupt(TinyServer.prompt(1, 2)),
        ErrorReason.INVALID_VALUE,
        "as many as clean");
    refused(request(z).clearClean(), ErrorReason.EMPTY_PROMPT, "clean is empty");
    refused(request(z).clearSpread(), ErrorReason.INVALID_VALUE, "spread");
    refused(request(z).clearActivation(), ErrorReason.INVALID_VALUE, "activation");
    refused(request(z).clearMetric(), ErrorReason.INVALID_VALUE, "metric");
    refused(request(z).addLayers(99), ErrorReason.INVALID_VALUE, "layers[0]");
    refused(request(z).addHeads(-1), ErrorReason.HEAD_OUT_OF_RANGE, "heads[0]");
    refused(request(z).addPositions(5), ErrorReason.POSITION_OUT_OF_RANGE, "positions[0]");
    refused(request(z).setFirstCell(-1), ErrorReason.INVALID_VALUE, "first_cell");
    refused(request(z).setFirstCell(1_000), ErrorReason.INVALID_VALUE, "first_cell");
    refused(
        request(PatchedActivation.PATCHED_ACTIVATION_MLP_OUT).addHeads(1),
        ErrorReason.INVALID_VALUE,
        "heads");
    refused(
        request(z).setSpread(PatchSpread.PATCH_SPREAD_ALL_POSITIONS).addPositions(1),
        ErrorReason.INVALID_VALUE,
        "positions");
    refused(
        request(z)
            .setMetric(Metric.newBuilder().setLogit(TokenLogitMetric.newBuilder().setToken(9_999))),
        ErrorReason.TOKEN_OUT_OF_RANGE,
        "token");
    refused(
        request(z).setCorrupt(TinyServer.prompt(CLEAN)).setNormalize(true),
        ErrorReason.INVALID_VALUE,
        "normalize");
    refused(
        request(z)
            .setClean(TinyServer.prompt(4))
            .setCorrupt(TinyServer.prompt(5))
            .setMetric(Metric.newBuilder().setLoss(LossMetric.getDefaultInstance())),
        ErrorReason.INVALID_VALUE,
        "loss");
  }

  private void refused(SweepPatchesRequest.Builder request, ErrorReason reason, String says) {
    assertThatThrownBy(() -> sweep(request))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getDescription()).contains(says);
              assertThat(LoupeErrors.reason(e)).hasValue(reason);
            });
  }
}
