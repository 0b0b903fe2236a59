package dev.loupe.inference.scheduling;

import java.util.function.Supplier;

/** The right to use the device until it is closed. Belongs to one thread. */
public final class DeviceTurn implements AutoCloseable {
  private final DeviceScheduler scheduler;
  private final Call call;
  private boolean held = true;

  DeviceTurn(DeviceScheduler scheduler, Call call) {
    this.scheduler = scheduler;
    this.call = call;
  }

  /**
   * Lets others have the device while something else is waited for, and takes it again afterwards,
   * queue or no queue: work that has begun is not refused.
   */
  public <T> T whileWaiting(Supplier<T> wait) {
    leave();
    T result = wait.get();
    scheduler.await(call, false);
    held = true;
    return result;
  }

  @Override
  public void close() {
    leave();
  }

  private void leave() {
    if (held) {
      held = false;
      scheduler.release();
    }
  }
}
