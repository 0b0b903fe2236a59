package dev.loupe.inference.scheduling;

import dev.loupe.inference.model.PassControl;
import dev.loupe.tensor.TensorEngine;
import java.util.function.Supplier;

/**
 * The right to use the device until it is closed. The work itself is done on the engine's thread,
 * and only it may pause the turn.
 */
public final class DeviceTurn implements AutoCloseable {
  private final DeviceScheduler scheduler;
  private Call call;
  private boolean held = true;
  private long since = System.nanoTime();

  DeviceTurn(DeviceScheduler scheduler, Call call) {
    this.scheduler = scheduler;
    this.call = call;
  }

  /** Does work on the device, in the engine's thread, and waits for it. */
  <T> T work(Supplier<T> work) {
    return TensorEngine.threads().run(work);
  }

  /**
   * Lets others have the device while something else is waited for, and takes it again afterwards,
   * queue or no queue: work that has begun is not refused.
   */
  public <T> T whileWaiting(Supplier<T> wait) {
    return TensorEngine.threads()
        .pause(
            () -> {
              leave();
              T result = wait.get();
              takeAgain();
              return result;
            });
  }

  /**
   * To be called by long work where it can pause, with nothing held that others need but memory:
   * when the turn has lasted a while and others wait, they have theirs first.
   *
   * @throws RuntimeException what the call's liveness throws
   */
  public void giveWay() {
    call.check();
    boolean over = System.nanoTime() - since >= scheduler.slice().toNanos();
    if (over && scheduler.waiting() > 0) {
      whileWaiting(() -> null);
    }
  }

  /** Ends a pass that nobody waits for, and gives way between the layers of a long one. */
  public PassControl control() {
    return layer -> giveWay();
  }

  /** From now on the turn is this call's, for instance that of all who are taken along. */
  void actFor(Call newCall) {
    call = newCall;
  }

  @Override
  public void close() {
    leave();
  }

  private void takeAgain() {
    scheduler.await(call, false, null);
    held = true;
    since = System.nanoTime();
  }

  private void leave() {
    if (held) {
      held = false;
      scheduler.release();
    }
  }
}
