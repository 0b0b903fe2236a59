package dev.loupe.inference.scheduling;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LoadedModel;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.server.sharing.MemoryBudget;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Which passes run together. */
class PassBatchTest {
  private static final GptConfig CONFIG = GptConfig.gpt2(12, 2, 8, 1024, 300, 299);

  private final MemoryBudget budget = new MemoryBudget(1 << 30, Duration.ZERO);
  private final ServedModel model = model();

  private static ServedModel model() {
    LoadedModel loaded = new LoadedModel(new HookedTransformer(CONFIG, null, null), null, "");
    return new ServedModel(
        new ModelSpec("m", null), loaded, null, null, null, Set.of(), null, null);
  }

  private PassRequest<?> pass(int rows, int width, LogitsMode logits, HookProgram program) {
    TokenBatch batch = TokenBatch.of(new int[rows][width]);
    return new PassRequest<>(Call.internal(), model, null, batch, program, logits, r -> r);
  }

  private PassRequest<?> pass(int rows, int width) {
    return pass(rows, width, LogitsMode.LAST, HookProgram.none());
  }

  private static HookProgram capturing(HookKind kind, int layer) {
    return HookProgram.builder(CONFIG).capture(new HookPoint(kind, layer)).build();
  }

  private boolean go(PassRequest<?> first, PassRequest<?> second) {
    try (PassBatch batch = new PassBatch(first, budget)) {
      return batch.accepts(second);
    }
  }

  @Test
  void onlyOnOneModel() {
    assertThat(go(pass(1, 16), pass(1, 16))).isTrue();
    PassRequest<?> elsewhere =
        new PassRequest<>(
            Call.internal(),
            model(),
            null,
            TokenBatch.of(new int[16]),
            HookProgram.none(),
            LogitsMode.LAST,
            result -> result);
    assertThat(go(pass(1, 16), elsewhere)).isFalse();
  }

  @Test
  void similarLengthsSoThatPaddingStaysSmall() {
    assertThat(go(pass(1, 5), pass(1, 30))).as("a few columns").isTrue();
    assertThat(go(pass(8, 100), pass(8, 128))).as("an eighth is padding").isTrue();
    assertThat(go(pass(8, 20), pass(8, 128))).isFalse();
    assertThat(go(pass(1, 10), pass(1, 1000))).isFalse();
  }

  @Test
  void withinATokenBound() {
    try (PassBatch batch = new PassBatch(pass(8, 128), budget)) {
      assertThat(batch.accepts(pass(7, 128))).isTrue();
      assertThat(batch.accepts(pass(2, 128))).isFalse();
      assertThat(batch.accepts(pass(1, 128))).isTrue();
    }
    assertThat(PassBatch.isShareable(pass(16, 128))).as("full by itself").isFalse();
  }

  @Test
  void aboutEquallyDeep() {
    PassRequest<?> shallow = pass(1, 16, LogitsMode.NONE, capturing(HookKind.RESID_POST, 0));
    PassRequest<?> deep = pass(1, 16, LogitsMode.NONE, capturing(HookKind.RESID_POST, 10));
    assertThat(go(shallow, deep)).isFalse();
    assertThat(go(shallow, pass(1, 16))).isFalse();
    assertThat(go(deep, pass(1, 16))).isTrue();
  }

  @Test
  void notWhenOthersWouldPayForIt() {
    HookProgram heads =
        HookProgram.builder(CONFIG)
            .intervene(
                new Intervention(
                    new HookPoint(HookKind.Q_INPUT, 3), Selection.ALL, new Edit.Scale(2)))
            .build();
    HookProgram end = capturing(HookKind.UNEMBED_OUT, -1);
    HookProgram live =
        HookProgram.builder(CONFIG)
            .live(new HookPoint(HookKind.Z, 1), (point, value) -> value)
            .build();
    for (HookProgram program : new HookProgram[] {heads, end, live}) {
      assertThat(PassBatch.isShareable(pass(1, 16, LogitsMode.LAST, program))).isFalse();
    }
    HookProgram pattern = capturing(HookKind.PATTERN, 3);
    assertThat(PassBatch.isShareable(pass(1, 16, LogitsMode.LAST, pattern))).isTrue();
  }

  @Test
  void othersRowsTakeMoreBesideOneThatLooksInside() {
    PassRequest<?> plain = pass(8, 16);
    PassRequest<?> inside = pass(1, 16, LogitsMode.LAST, capturing(HookKind.PATTERN, 3));
    assertThat(PassCost.sharing(CONFIG, List.of(plain, pass(2, 16)))).isZero();
    assertThat(PassCost.sharing(CONFIG, List.of(plain, inside))).isPositive();
    assertThat(PassCost.sharing(CONFIG, List.of(inside))).isZero();
  }

  @Test
  void onlyWhileThereIsMemoryForThePadding() {
    try (PassBatch batch = new PassBatch(pass(1, 16), budget)) {
      assertThat(batch.accepts(pass(1, 20))).isTrue();
      long padding =
          PassCost.of(CONFIG, 1, 20, LogitsMode.NONE, HookProgram.none()).bytes()
              - PassCost.of(CONFIG, 1, 16, LogitsMode.NONE, HookProgram.none()).bytes();
      assertThat(budget.reserved()).isEqualTo(padding);
      try (MemoryBudget.Reservation rest =
          budget.tryReserve(budget.total() - budget.reserved()).orElseThrow()) {
        assertThat(rest).isNotNull();
        assertThat(batch.accepts(pass(1, 24))).isFalse();
        assertThat(batch.accepts(pass(1, 20))).as("needs no padding").isTrue();
      }
    }
    assertThat(budget.reserved()).isZero();
  }
}
