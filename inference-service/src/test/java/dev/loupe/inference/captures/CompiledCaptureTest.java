package dev.loupe.inference.captures;

import static dev.loupe.inference.captures.InvalidCaptureException.Kind.HEAD;
import static dev.loupe.inference.captures.InvalidCaptureException.Kind.POSITION;
import static dev.loupe.inference.captures.InvalidCaptureException.Kind.VALUE;
import static dev.loupe.inference.captures.InvalidCaptureException.Kind.WRONG_SHAPE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.TensorEngine;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompiledCaptureTest {
  private static final GptConfig CONFIG = GptConfig.gpt2(2, 2, 4, 40, 9, 0);
  private static final HookPoint RESID = HookPoint.of(HookKind.RESID_PRE, 0);
  private static final HookPoint Z = HookPoint.of(HookKind.Z, 1);

  private static Capture capture(
      HookPoint point, List<Integer> positions, List<Integer> heads, Reduction... reductions) {
    return new Capture(point, positions, heads, List.of(reductions), ElementType.F32);
  }

  private static void refused(
      Capture capture, InvalidCaptureException.Kind kind, String field, String message) {
    assertThatThrownBy(
            () -> CompiledCapture.of(CONFIG, capture).layout(PassRows.of(new int[] {3, 2})))
        .isInstanceOfSatisfying(
            InvalidCaptureException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(kind);
              assertThat(e.field()).isEqualTo(field);
              assertThat(e).hasMessageContaining(message);
            });
  }

  @Test
  void whatDoesNotFitIsRefusedByName() {
    List<Integer> none = List.of();
    refused(capture(RESID, none, List.of(0)), VALUE, "heads", "no head axis");
    refused(capture(Z, none, List.of(2)), HEAD, "heads", "0 to 1");
    refused(capture(Z, List.of(2), none), POSITION, "positions", "row 1 has 2 tokens");
    refused(
        capture(RESID, none, none, new Reduction.MeanOverRows()),
        VALUE,
        "reductions[0].mean",
        "different lengths");
    refused(
        capture(
            RESID,
            none,
            none,
            new Reduction.MeanOverPositions(),
            new Reduction.MeanOverPositions()),
        VALUE,
        "reductions[1].mean",
        "averaged before");
    refused(
        capture(RESID, none, none, new Reduction.Dot(new float[6], 3)),
        WRONG_SHAPE,
        "reductions[0].dot.vectors",
        "expected 4, the last axis (d_model)");
    refused(capture(RESID, none, none, new Reduction.Largest(5)), VALUE, "largest.count", "1 to 4");
    refused(
        capture(RESID, none, none, new Reduction.Largest(1), new Reduction.Norm()),
        VALUE,
        "reductions[1]",
        "must be the last");
  }

  @Test
  void inAContinuedPassOnlyItsOwnPositionsAreKept() {
    PassRows step = new PassRows(new int[] {5, 3}, new int[] {1, 1}, 1, true);
    try (NDManager manager = TensorEngine.newManager()) {
      NDArray value = manager.ones(new Shape(2, 1, 4));
      CompiledCapture last = CompiledCapture.of(CONFIG, capture(RESID, List.of(-1), List.of()));
      assertThat(last.read(value, step).get(0).getShape()).isEqualTo(new Shape(2, 1, 4));
      CompiledCapture first = CompiledCapture.of(CONFIG, capture(RESID, List.of(0), List.of()));
      assertThat(first.read(value, step)).isEmpty();
    }
  }

  @Test
  void reductionsOfOnePassKeepOnlyWhatIsLeft(@TempDir Path folder) throws Exception {
    try (TinyModel tiny = new TinyModel(folder);
        NDManager scope = tiny.loaded().newScope()) {
      GptConfig config = tiny.transformer().config();
      HookPoint point = HookPoint.of(HookKind.RESID_POST, 1);
      CompiledCapture last = CompiledCapture.of(config, capture(point, List.of(-1), List.of()));
      CompiledCapture norms =
          CompiledCapture.of(config, capture(point, List.of(), List.of(), new Reduction.Norm()));
      HookProgram program =
          HookProgram.builder(config).capture(point).read(point, last).read(point, norms).build();
      TokenBatch batch = TokenBatch.of(tiny.rows());
      ForwardResult result =
          tiny.transformer()
              .forward(scope, batch, ForwardOptions.plain().with(program).with(LogitsMode.NONE));
      float[] whole = result.capture(point).toFloatArray();
      float[] end = result.reading(last).get(0).toFloatArray();
      int width = batch.width() * config.dModel();
      for (int i = 0; i < end.length; i++) {
        int row = i / config.dModel();
        int entry = i % config.dModel();
        assertThat(end[i]).isEqualTo(whole[row * width + width - config.dModel() + entry]);
      }
      assertThat(result.reading(norms).get(0).getShape()).isEqualTo(new Shape(3, 17, 1));
      HookProgram reading = HookProgram.builder(config).read(point, last).build();
      HookProgram keeping = HookProgram.builder(config).capture(point).build();
      assertThat(PassCost.of(config, batch, LogitsMode.NONE, reading).bytes())
          .isGreaterThan(PassCost.of(config, batch, LogitsMode.NONE, HookProgram.none()).bytes());
      assertThat(last.elements(3, 17)).isEqualTo(3.0 * config.dModel());
      assertThat(keeping.captures(point)).isTrue();
    }
  }
}
