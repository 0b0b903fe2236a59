package dev.loupe.inference.scheduling;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.Departure;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A caller that can go away. */
final class Caller implements Departure {
  private final String tenant;
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private volatile boolean gone;

  Caller(String tenant) {
    this.tenant = tenant;
  }

  Call call() {
    return new Call(tenant, this::check, this);
  }

  void leave() {
    gone = true;
    listeners.forEach(Runnable::run);
  }

  /** True when nobody listens any more. */
  boolean isForgotten() {
    return listeners.isEmpty();
  }

  private void check() {
    if (gone) {
      throw LoupeException.of(ErrorReason.CALL_CANCELLED, "gone");
    }
  }

  @Override
  public void listen(Runnable listener) {
    listeners.add(listener);
    if (gone) {
      listener.run();
    }
  }

  @Override
  public void ignore(Runnable listener) {
    listeners.remove(listener);
  }
}
