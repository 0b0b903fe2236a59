package dev.loupe.inference.scheduling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TinyModel;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.Intervention;
import dev.loupe.inference.model.hooks.InvalidInterventionException;
import dev.loupe.inference.model.hooks.Selection;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.tensor.NdArrays;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Passes that wait together run as one. Values are held to 1e-4 of the largest magnitude. */
class SharedPassesTest {
  private static final HookPoint RESID = HookPoint.of(HookKind.RESID_PRE, 1);

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  // Turns of any length: on a busy machine a pass would give way in the middle, and end after the
  // next.
  private final DeviceScheduler scheduler = new DeviceScheduler(100, Duration.ofHours(1));
  private final MemoryBudget budget = new MemoryBudget(1L << 30, Duration.ofSeconds(10));
  private final Arrivals arrivals = new Arrivals(Duration.ofHours(1));
  private final DeviceRunner device =
      new DeviceRunner(scheduler, arrivals, budget, new InferenceMetrics(registry));
  private final List<String> served = Collections.synchronizedList(new ArrayList<>());
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private TinyModel tiny;
  private ServedModel model;

  @BeforeEach
  void load(@TempDir Path folder) throws Exception {
    tiny = new TinyModel(folder);
    model =
        new ServedModel(
            new ModelSpec("tiny", null), tiny.loaded(), null, null, null, Set.of(), null, null);
  }

  @AfterEach
  void close() {
    threads.shutdownNow();
    assertThat(budget.reserved()).isZero();
    assertThat(scheduler.waiting()).isZero();
    tiny.close();
  }

  private DistributionSummary batches() {
    return registry.get("loupe.inference.batch.size").summary();
  }

  private static int[] row(int length, int seed) {
    int[] row = new int[length];
    for (int i = 0; i < length; i++) {
      row[i] = (i * 37 + seed * 11) % 211;
    }
    return row;
  }

  private HookProgram capturing() {
    return HookProgram.builder(model.config()).capture(RESID).build();
  }

  private HookProgram zeroing(int position) {
    Selection selection = Selection.ofPositions(position);
    return HookProgram.builder(model.config())
        .intervene(new Intervention(RESID, selection, new Edit.Zero()))
        .build();
  }

  /** The last token's logits of one row. */
  private float[] logits(Call call, int[] row, HookProgram program) {
    return logits(call, row, program, device.expectPass());
  }

  private float[] logits(Call call, int[] row, HookProgram program, Arrivals.Arrival arrival) {
    TokenBatch batch = TokenBatch.of(row);
    PassCost cost = PassCost.of(model.config(), batch, LogitsMode.LAST, program);
    try (MemoryBudget.Reservation memory = device.reserve(cost, call);
        NDManager scope = model.newScope()) {
      return device.forward(
          arrival,
          memory,
          new PassRequest<>(
              call,
              model,
              scope,
              batch,
              program,
              LogitsMode.LAST,
              result -> {
                served.add(call.tenant());
                return NdArrays.floats(result.requireLogits());
              }));
    }
  }

  private double[] alone(int[] row, HookProgram program) {
    try (NDManager scope = model.newScope()) {
      float[] values =
          NdArrays.floats(
              model
                  .transformer()
                  .forward(
                      scope,
                      TokenBatch.of(row),
                      ForwardOptions.plain().with(program).with(LogitsMode.LAST))
                  .requireLogits());
      double[] wide = new double[values.length];
      for (int i = 0; i < wide.length; i++) {
        wide[i] = values[i];
      }
      return wide;
    }
  }

  /** Sends a pass and returns once it waits for the device. */
  private Future<float[]> queued(Call call, int[] row, HookProgram program) throws Exception {
    int before = scheduler.waiting();
    Future<float[]> answer = threads.submit(() -> logits(call, row, program));
    while (scheduler.waiting() == before) {
      Thread.sleep(1);
    }
    return answer;
  }

  @Test
  void aPassThatFindsTheDeviceFreeTakesThoseAlongThatAreOnTheirWay() throws Exception {
    arrivals.passTook(Duration.ofHours(1).toNanos());
    HookProgram program = capturing();
    List<Arrivals.Arrival> onTheirWay = List.of(device.expectPass(), device.expectPass());
    List<Future<float[]>> answers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      int which = i;
      answers.add(
          threads.submit(
              () -> logits(Call.of("a"), row(4, which), program, onTheirWay.get(which))));
    }
    for (int i = 0; i < 2; i++) {
      GoldenAssert.assertClose(
          "request " + i, answers.get(i).get(), alone(row(4, i), program), Golden.TOLERANCE);
    }
    assertThat(batches().count()).isEqualTo(1);
    assertThat(batches().max()).isEqualTo(2);
  }

  @Test
  void whatWaitsTogetherRunsAsOnePass() throws Exception {
    List<Future<float[]>> answers = new ArrayList<>();
    try (DeviceTurn held = scheduler.take(Call.of("other"))) {
      assertThat(held).isNotNull();
      for (int i = 0; i < 7; i++) {
        HookProgram program = i % 2 == 0 ? capturing() : zeroing(-1);
        answers.add(queued(Call.of("tenant" + i % 3), row(5 + i, i), program));
      }
    }
    for (int i = 0; i < 7; i++) {
      HookProgram program = i % 2 == 0 ? capturing() : zeroing(-1);
      GoldenAssert.assertClose(
          "request " + i, answers.get(i).get(), alone(row(5 + i, i), program), Golden.TOLERANCE);
    }
    assertThat(batches().count()).isEqualTo(1);
    assertThat(batches().totalAmount()).isEqualTo(7);
  }

  @Test
  void aRequestThatComesAloneRunsAlone() {
    logits(Call.of("a"), row(9, 1), HookProgram.none());
    assertThat(batches().count()).isEqualTo(1);
    assertThat(batches().totalAmount()).isEqualTo(1);
  }

  @Test
  void aMistakeHarmsOnlyItsOwnRequest() throws Exception {
    List<Future<float[]>> answers = new ArrayList<>();
    Future<float[]> bad;
    try (DeviceTurn held = scheduler.take(Call.of("other"))) {
      assertThat(held).isNotNull();
      answers.add(queued(Call.of("a"), row(6, 1), capturing()));
      bad = queued(Call.of("b"), row(6, 2), zeroing(6));
      answers.add(queued(Call.of("c"), row(7, 3), HookProgram.none()));
    }
    assertThatThrownBy(bad::get)
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(InvalidInterventionException.class)
        .hasMessageContaining("positions holds 6");
    GoldenAssert.assertClose(
        "a", answers.get(0).get(), alone(row(6, 1), capturing()), Golden.TOLERANCE);
    GoldenAssert.assertClose(
        "c", answers.get(1).get(), alone(row(7, 3), HookProgram.none()), Golden.TOLERANCE);
  }

  @Test
  void whoeverGoesAwayWhileWaitingIsNotRun() throws Exception {
    Caller leaving = new Caller("b");
    Future<float[]> gone;
    Future<float[]> stays;
    try (DeviceTurn held = scheduler.take(Call.of("other"))) {
      assertThat(held).isNotNull();
      stays = queued(Call.of("a"), row(6, 1), HookProgram.none());
      gone = queued(leaving.call(), row(6, 2), HookProgram.none());
      leaving.leave();
      assertThatThrownBy(gone::get).hasCauseInstanceOf(LoupeException.class);
      assertThat(scheduler.waiting()).isEqualTo(1);
    }
    stays.get();
    assertThat(batches().totalAmount()).isEqualTo(1);
    assertThat(leaving.isForgotten()).isTrue();
  }

  @Test
  void whoeverGoesAwayDuringThePassHarmsNobody() throws Exception {
    Caller leaving = new Caller("a");
    AtomicInteger looks = new AtomicInteger();
    // The first to be asked leads the pass; it goes away between the layers.
    Call leader =
        new Call(
            "a",
            () -> {
              leaving.call().check();
              if (looks.incrementAndGet() == 4) {
                leaving.leave();
              }
            },
            leaving);
    Future<float[]> gone;
    Future<float[]> stays;
    try (DeviceTurn held = scheduler.take(Call.of("other"))) {
      assertThat(held).isNotNull();
      gone = queued(leader, row(6, 1), HookProgram.none());
      stays = queued(Call.of("b"), row(8, 2), HookProgram.none());
    }
    GoldenAssert.assertClose(
        "stays", stays.get(), alone(row(8, 2), HookProgram.none()), Golden.TOLERANCE);
    assertThatThrownBy(gone::get)
        .hasCauseInstanceOf(LoupeException.class)
        .cause()
        .isInstanceOfSatisfying(
            LoupeException.class,
            e -> assertThat(e.reason()).isEqualTo(ErrorReason.CALL_CANCELLED));
    assertThat(batches().totalAmount()).isEqualTo(2);
  }

  @Test
  void aPassThatNobodyWaitsForEndsBetweenLayers() throws Exception {
    List<Caller> callers = List.of(new Caller("a"), new Caller("b"));
    List<Future<float[]>> answers = new ArrayList<>();
    try (DeviceTurn held = scheduler.take(Call.of("other"))) {
      assertThat(held).isNotNull();
      AtomicInteger looks = new AtomicInteger();
      for (Caller caller : callers) {
        Call call =
            new Call(
                "tenant",
                () -> {
                  caller.call().check();
                  if (looks.incrementAndGet() == 6) {
                    callers.forEach(Caller::leave);
                  }
                },
                caller);
        answers.add(queued(call, row(6, 1), capturing()));
      }
    }
    for (Future<float[]> answer : answers) {
      assertThatThrownBy(answer::get).hasCauseInstanceOf(LoupeException.class);
    }
    assertThat(batches().count()).as("passes that came to their end").isZero();
    logits(Call.of("next"), row(3, 3), HookProgram.none());
  }

  @Test
  void aTenantWithManyRequestsLeavesRoomForOthers() throws Exception {
    List<Future<float[]>> answers = new ArrayList<>();
    try (DeviceTurn held = scheduler.take(Call.of("x"))) {
      assertThat(held).isNotNull();
      // 60 rows of 48 tokens exceed one batch.
      for (int i = 0; i < 60; i++) {
        answers.add(queued(Call.of("crowd"), row(48, i), HookProgram.none()));
      }
      answers.add(queued(Call.of("one"), row(48, 99), HookProgram.none()));
    }
    for (Future<float[]> answer : answers) {
      answer.get();
    }
    assertThat(served.indexOf("one")).isLessThan(3);
    assertThat(batches().totalAmount()).isEqualTo(61);
    assertThat(batches().max()).isLessThanOrEqualTo(2048 / 48);
  }
}
