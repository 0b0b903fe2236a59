package dev.loupe.inference.captures;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.tensor.TensorEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ActivationCachesTest {
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final HookPoint RESID = HookPoint.of(HookKind.RESID_PRE, 0);
  private static final PassRows ROWS = PassRows.of(new int[] {3, 2});
  private static final long VALUE_BYTES = 4L * 2 * 3 * 4;
  private static final long ENTRY = VALUE_BYTES + ActivationCaches.ENTRY_BYTES;

  private final CacheSpace space = new CacheSpace(4 * ENTRY);
  private final ActivationCaches caches = new ActivationCaches(space);

  @AfterEach
  void close() {
    caches.close();
    space.close();
    assertThat(space.used()).isZero();
  }

  private CacheInfo keep(String tenant, float value, Duration timeToLive) {
    try (NDManager scope = TensorEngine.newManager();
        ActivationCaches.Room room =
            caches.room(tenant, "key of " + tenant, VALUE_BYTES, timeToLive)) {
      NDArray array = scope.full(new Shape(2, 3, 4), value);
      CaptureLayout layout =
          new CaptureLayout(List.of("batch", "pos", "d_model"), List.of(2L, 3L, 4L), true);
      return room.fill(
          ROWS, List.of(new KeptActivation(Capture.whole(RESID), 0, layout, array, null)));
    }
  }

  @Test
  void whatIsKeptOutlivesTheRunAndIsListedToItsOwnerOnly() {
    CacheInfo kept = keep("ann", 7, LONG);
    assertThat(kept.bytes()).isEqualTo(ENTRY).isEqualTo(space.used());
    assertThat(kept.rows()).containsExactly(3, 2);
    try (ActivationCaches.Lease lease = caches.lease(kept.id())) {
      assertThat(lease.activations().get(0).values().toFloatArray()).hasSize(24).containsOnly(7);
      assertThat(lease.rows().length(1)).isEqualTo(2);
    }
    assertThat(caches.list("key of ann")).extracting(CacheInfo::id).containsExactly(kept.id());
    assertThat(caches.list("ann")).isEmpty();
    assertThat(caches.list("key of bob")).isEmpty();
  }

  @Test
  void idsAreSecretsThatNobodyCanGuess() {
    CacheInfo kept = keep("ann", 7, LONG);
    assertThat(kept.id()).matches("c[0-9a-f]{32}");
    assertThat(keep("ann", 7, LONG).id()).isNotEqualTo(kept.id());
    assertThatThrownBy(() -> caches.lease("c" + "0".repeat(32)))
        .isInstanceOf(UnknownCacheException.class);
  }

  @Test
  void aTenantLeavesAQuarterToOthers() {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      ids.add(keep("ann", i, LONG).id());
    }
    assertThatThrownBy(() -> caches.room("ann", "", 100, LONG))
        .isInstanceOf(CacheFullException.class)
        .hasMessageContaining("none is left for one tenant until something kept expires");
    keep("bob", 3, LONG);
    assertThatThrownBy(() -> caches.room("bob", "", 100, LONG))
        .isInstanceOf(CacheFullException.class);
    assertThat(caches.list("key of ann")).extracting(CacheInfo::id).isEqualTo(ids);
    caches.delete(ids.get(1));
    assertThatThrownBy(() -> caches.room("bob", "", 2 * VALUE_BYTES, LONG))
        .isInstanceOfSatisfying(
            CacheFullException.class, e -> assertThat(e.free()).isEqualTo(ENTRY))
        .hasMessageContaining("keep fewer hook points");
    keep("bob", 9, LONG);
    assertThat(caches.list("key of ann")).hasSize(2);
  }

  @Test
  void aRunThatFailsGivesItsRoomBack() {
    caches.room("ann", "", VALUE_BYTES, LONG).close();
    assertThat(space.used()).isZero();
  }

  @Test
  void memoryStaysWhileItIsReadAndThenGoes() {
    CacheInfo kept = keep("ann", 5, LONG);
    ActivationCaches.Lease lease = caches.lease(kept.id());
    PtNDArray array = (PtNDArray) lease.activations().get(0).values();
    caches.delete(kept.id());
    assertThatThrownBy(() -> caches.get(kept.id())).isInstanceOf(UnknownCacheException.class);
    assertThat(array.toFloatArray()).containsOnly(5);
    assertThat(space.used()).isEqualTo(ENTRY);
    lease.close();
    lease.close();
    assertThat(array.isReleased()).isTrue();
    assertThat(space.used()).isZero();
  }

  @Test
  void timeDropsWithoutAnybodyLooking() throws Exception {
    CacheInfo kept = keep("ann", 5, Duration.ofMillis(300));
    PtNDArray array;
    try (ActivationCaches.Lease lease = caches.lease(kept.id())) {
      array = (PtNDArray) lease.activations().get(0).values();
    }
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (space.used() > 0 && System.nanoTime() < end) {
      Thread.sleep(10);
    }
    assertThat(space.used()).isZero();
    assertThat(array.isReleased()).isTrue();
    assertThat(caches.list("key of ann")).isEmpty();
  }

  @Test
  void aModelThatGoesTakesItsCachesAlong() {
    CacheInfo kept = keep("ann", 5, LONG);
    ActivationCaches.Room room = caches.room("ann", "", VALUE_BYTES, LONG);
    caches.close();
    assertThatThrownBy(() -> caches.get(kept.id())).isInstanceOf(UnknownCacheException.class);
    assertThatThrownBy(() -> room.fill(ROWS, List.of()))
        .isInstanceOf(UnknownCacheException.class)
        .hasMessageContaining("unloaded");
    room.close();
    assertThat(space.used()).isZero();
  }

  @Test
  void manyThreadsLeaveNothingBehind() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    CountDownLatch start = new CountDownLatch(1);
    List<Future<?>> runs = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      String tenant = "t" + t % 2;
      long seed = t;
      runs.add(
          threads.submit(
              () -> {
                start.await();
                Random random = new Random(seed);
                for (int i = 0; i < 200; i++) {
                  use(random, tenant);
                }
                return null;
              }));
    }
    start.countDown();
    for (Future<?> run : runs) {
      run.get();
    }
    threads.shutdown();
    for (String tenant : List.of("t0", "t1")) {
      caches.list("key of " + tenant).forEach(info -> caches.delete(info.id()));
    }
    assertThat(space.used()).isZero();
  }

  /** Keeps, reads or deletes; another thread may be faster, which is refused by name. */
  private void use(Random random, String tenant) {
    List<CacheInfo> list = caches.list("key of " + tenant);
    try {
      if (list.isEmpty() || random.nextInt(3) == 0) {
        keep(tenant, random.nextInt(), LONG);
        return;
      }
      String id = list.get(random.nextInt(list.size())).id();
      if (random.nextBoolean()) {
        caches.delete(id);
      } else {
        try (ActivationCaches.Lease lease = caches.lease(id)) {
          float[] values = lease.activations().get(0).values().toFloatArray();
          assertThat(values).containsOnly(values[0]);
        }
      }
    } catch (CacheFullException | UnknownCacheException e) {
      assertThat(e.getMessage()).isNotEmpty();
    }
  }
}
