package dev.loupe.inference.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookPoints;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.GoldenAssert;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Rows run together, or token by token with a cache, give what they give alone. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BatchingTest {
  /** Products of other shapes are rounded otherwise; as a share of the largest magnitude. */
  private static final double ROUNDING = 1e-5;

  private TinyModel tiny;
  private HookedTransformer model;
  private HookPoints points;

  @BeforeAll
  void load(@TempDir Path folder) throws Exception {
    tiny = new TinyModel(folder);
    model = tiny.transformer();
    points = new HookPoints(model.config());
  }

  @AfterAll
  void close() {
    tiny.close();
  }

  private List<int[]> raggedRows(long seed) {
    Random random = new Random(seed);
    List<int[]> rows = new ArrayList<>();
    for (int r = 0; r < 2 + random.nextInt(4); r++) {
      rows.add(random.ints(1 + random.nextInt(30), 0, 211).toArray());
    }
    return rows;
  }

  @Test
  void raggedRowsAreAsAlone() {
    for (long seed = 0; seed < 8; seed++) {
      List<int[]> rows = raggedRows(seed);
      assertSameAsAlone(rows, HookProgram.none());
      assertSameAsAlone(rows, edits(seed));
    }
  }

  @Test
  void editsThatUncoverKeysDoNotReachTheirPadding() {
    HookProgram program =
        HookProgram.builder(model.config())
            .intervene(
                new Intervention(
                    points.named("blocks.0.attn.hook_attn_scores"),
                    Selection.ofHeads(1),
                    new Edit.Zero()))
            .intervene(
                new Intervention(
                    points.named("blocks.1.attn.hook_pattern"),
                    Selection.ofPositions(-1),
                    new Edit.SetValue(new float[] {0.25f})))
            .build();
    for (long seed = 20; seed < 24; seed++) {
      assertSameAsAlone(raggedRows(seed), program);
    }
  }

  private HookProgram edits(long seed) {
    Random random = new Random(seed);
    float[] direction = new float[32];
    for (int i = 0; i < direction.length; i++) {
      direction[i] = (float) random.nextGaussian();
    }
    return HookProgram.builder(model.config())
        .intervene(
            new Intervention(
                points.named("blocks.1.hook_resid_mid"),
                Selection.ofPositions(-1, 0),
                new Edit.AddDirection(direction, 2)))
        .intervene(
            new Intervention(
                points.named("blocks.0.attn.hook_v"), Selection.ofHeads(2), new Edit.Scale(-1)))
        .build();
  }

  private void assertSameAsAlone(List<int[]> rows, HookProgram program) {
    try (NDManager scope = tiny.loaded().newScope()) {
      ForwardOptions options = ForwardOptions.plain().with(program);
      NDArray together = model.forward(scope, TokenBatch.of(rows), options).requireLogits();
      NDArray last =
          model.forward(scope, TokenBatch.of(rows), options.with(LogitsMode.LAST)).requireLogits();
      for (int r = 0; r < rows.size(); r++) {
        int length = rows.get(r).length;
        NDArray alone = model.forward(scope, TokenBatch.of(rows.get(r)), options).requireLogits();
        assertClose(together.get(new NDIndex("{}, 0:{}", r, length)), alone.get(0));
        assertClose(last.get(new NDIndex("{}, 0", r)), alone.get(new NDIndex("0, -1")));
      }
    }
  }

  @Test
  void cachedStepsAreAsOnePass() {
    HookProgram program = steering();
    for (HookProgram used : List.of(HookProgram.none(), program)) {
      for (long seed = 40; seed < 44; seed++) {
        List<int[]> prompts = raggedRows(seed);
        Random random = new Random(seed);
        int steps = 5;
        int[][] added = new int[prompts.size()][];
        for (int r = 0; r < added.length; r++) {
          added[r] = random.ints(steps, 0, 211).toArray();
        }
        try (NDManager scope = tiny.loaded().newScope()) {
          List<NDArray> stepLogits = run(scope, prompts, added, used);
          for (int r = 0; r < added.length; r++) {
            int[] whole = concat(prompts.get(r), added[r]);
            NDArray alone =
                model
                    .forward(scope, TokenBatch.of(whole), ForwardOptions.plain().with(used))
                    .requireLogits();
            for (int step = 0; step <= steps; step++) {
              int position = prompts.get(r).length - 1 + step;
              assertClose(
                  stepLogits.get(step).get(new NDIndex("{}, 0", r)),
                  alone.get(new NDIndex("0, {}", position)));
            }
          }
        }
      }
    }
  }

  private List<NDArray> run(
      NDManager scope, List<int[]> prompts, int[][] added, HookProgram program) {
    int longest = prompts.stream().mapToInt(row -> row.length).max().orElseThrow();
    List<NDArray> logits = new ArrayList<>();
    try (KvCache cache =
        new KvCache(scope, model.config(), prompts.size(), longest + added[0].length)) {
      ForwardOptions options =
          ForwardOptions.plain().with(LogitsMode.LAST).with(cache).with(program);
      logits.add(model.forward(scope, TokenBatch.of(prompts), options).requireLogits());
      for (int step = 0; step < added[0].length; step++) {
        List<int[]> column = new ArrayList<>();
        for (int[] row : added) {
          column.add(new int[] {row[step]});
        }
        logits.add(model.forward(scope, TokenBatch.of(column), options).requireLogits());
      }
    }
    return logits;
  }

  private HookProgram steering() {
    float[] direction = new float[32];
    java.util.Arrays.fill(direction, 0.5f);
    direction[3] = -4;
    return HookProgram.builder(model.config())
        .intervene(
            new Intervention(
                points.named("blocks.1.hook_resid_pre"),
                Selection.ALL,
                new Edit.AddDirection(direction, 1)))
        .intervene(
            new Intervention(
                points.named("blocks.2.attn.hook_pattern"), Selection.ofHeads(0), new Edit.Zero()))
        .build();
  }

  @Test
  void aPassThatIsStoppedBetweenLayersEndsAtOnce() {
    List<Integer> layers = new ArrayList<>();
    PassControl control =
        layer -> {
          layers.add(layer);
          if (layer == 1) {
            throw new CancellationException("nobody waits");
          }
        };
    try (NDManager scope = tiny.loaded().newScope()) {
      ForwardOptions options = ForwardOptions.plain().with(control);
      assertThatThrownBy(() -> model.forward(scope, TokenBatch.of(new int[] {1, 2}), options))
          .isInstanceOf(CancellationException.class);
      assertThat(layers).containsExactly(0, 1);
      assertThat(scope.getManagedArrays()).isEmpty();
    }
  }

  @Test
  void aPassWithoutLogitsEndsAfterTheLastHookThatIsRead() {
    List<Integer> layers = new ArrayList<>();
    HookPoint point = HookPoint.of(HookKind.RESID_PRE, 1);
    try (NDManager scope = tiny.loaded().newScope()) {
      ForwardOptions options =
          ForwardOptions.plain()
              .with(HookProgram.builder(model.config()).capture(point).build())
              .with(LogitsMode.NONE)
              .with((PassControl) layers::add);
      ForwardResult result = model.forward(scope, TokenBatch.of(new int[] {5, 6, 7}), options);
      assertThat(result.captures()).containsOnlyKeys(point);
      assertThat(layers).containsExactly(0, 1);
      assertThat(scope.getManagedArrays()).hasSize(1);
    }
  }

  @Test
  void onlyResultsStayInTheScope() {
    try (NDManager scope = tiny.loaded().newScope()) {
      HookProgram.Builder program = HookProgram.builder(model.config());
      points.all().forEach(program::capture);
      ForwardResult result = tiny.run(scope, program.build());
      // Where nothing is edited, neighbours share one array: a block's output is the next one's
      // input.
      long distinct = result.captures().values().stream().map(NDArray::getUid).distinct().count();
      assertThat(result.captures()).hasSize(points.all().size());
      assertThat(scope.getManagedArrays().size()).isEqualTo((int) distinct);
    }
    assertThat(tiny.loaded().weightsManager().isOpen()).isTrue();
  }

  @Test
  void passesOnSeveralThreadsDoNotDisturbEachOther() {
    float[] expected;
    try (NDManager scope = tiny.loaded().newScope()) {
      expected = NdArrays.floats(tiny.run(scope, edits(1)).requireLogits());
    }
    List<java.util.concurrent.CompletableFuture<float[]>> passes = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      passes.add(
          java.util.concurrent.CompletableFuture.supplyAsync(
              () -> {
                try (NDManager scope = tiny.loaded().newScope()) {
                  return NdArrays.floats(tiny.run(scope, edits(1)).requireLogits());
                }
              }));
    }
    passes.forEach(pass -> assertThat(pass.join()).isEqualTo(expected));
  }

  @Test
  void aPassThatFailedLeavesItsCacheAsItWas() {
    int[] prompt = {5, 6, 7};
    PassControl failing =
        layer -> {
          if (layer == 2) {
            throw new CancellationException("nobody waits");
          }
        };
    try (NDManager scope = tiny.loaded().newScope();
        KvCache cache = new KvCache(scope, model.config(), 2, 12)) {
      ForwardOptions options = ForwardOptions.plain().with(LogitsMode.LAST).with(cache);
      assertThatThrownBy(
              () ->
                  model.forward(scope, TokenBatch.of(prompt, new int[] {1}), options.with(failing)))
          .isInstanceOf(CancellationException.class);
      assertThat(cache.length(0)).isZero();
      NDArray after = model.forward(scope, TokenBatch.of(prompt, prompt), options).requireLogits();
      NDArray alone =
          model.forward(scope, TokenBatch.of(prompt), ForwardOptions.plain()).requireLogits();
      assertClose(after.get(new NDIndex("1, 0")), alone.get(new NDIndex("0, -1")));
      assertThat(cache.length(1)).isEqualTo(3);
    }
  }

  @Test
  void refusesTokensThatTheModelDoesNotKnow() {
    try (NDManager scope = tiny.loaded().newScope()) {
      assertThatThrownBy(
              () -> model.forward(scope, TokenBatch.of(new int[] {3, 211}), ForwardOptions.plain()))
          .isInstanceOf(TokenRangeException.class)
          .hasMessageContaining("token id 211 at position 1")
          .hasMessageContaining("0 to 210");
      assertThatThrownBy(
              () -> model.forward(scope, TokenBatch.of(new int[49]), ForwardOptions.plain()))
          .isInstanceOf(TokenRangeException.class)
          .hasMessageContaining("49 tokens")
          .hasMessageContaining("48");
      assertThatThrownBy(() -> TokenBatch.of(new int[0])).hasMessageContaining("row 0 is empty");
    }
  }

  private static int[] concat(int[] a, int[] b) {
    int[] all = java.util.Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }

  private static void assertClose(NDArray actual, NDArray expected) {
    float[] values = NdArrays.copy(expected).toFloats();
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    GoldenAssert.assertClose("row", NdArrays.copy(actual).toFloats(), wide, ROUNDING);
  }
}
