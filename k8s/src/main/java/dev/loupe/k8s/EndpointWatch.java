package dev.loupe.k8s;

import com.google.gson.JsonObject;
import io.grpc.EquivalentAddressGroup;
import io.kubernetes.client.openapi.ApiException;
import io.kubernetes.client.openapi.models.V1EndpointSlice;
import io.kubernetes.client.util.Watch;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import okhttp3.Call;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the endpoints of a Service until it is closed: lists the slices once, then watches from
 * that version on, goes on from the last version when a watch ends or breaks, and lists again when
 * the server has forgotten that version. While the API server cannot be reached, what was known
 * last stays.
 */
final class EndpointWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(EndpointWatch.class);
  private static final int GONE = 410;

  /**
   * A watch that ends sooner, without any event, counts as a failure: a server may refuse politely.
   */
  private static final long SHORT_WATCH_NANOS = 1_000_000_000L;

  /** Gets what the watch finds, on the watch's thread. */
  interface Listener {
    /** The ready endpoints are these now; may be none. */
    void endpoints(List<EquivalentAddressGroup> endpoints);

    /** The API server gave this error. The watch goes on trying. */
    void failed(String what, Exception error);
  }

  private final EndpointSliceApi api;
  private final ServiceTarget target;
  private final Backoff backoff;
  private final Listener listener;
  private final Thread thread;

  // Touched by the watch's thread only.
  private final Map<String, V1EndpointSlice> slices = new TreeMap<>();
  private String version;

  private final Object lock = new Object();
  private boolean closed;
  private boolean hurried;
  private Call open;

  EndpointWatch(EndpointSliceApi api, ServiceTarget target, Backoff backoff, Listener listener) {
    this.api = api;
    this.target = target;
    this.backoff = backoff;
    this.listener = listener;
    this.thread = new Thread(this::run, "endpoints-" + target);
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Ends the wait after a failure, if there is one. */
  void hurry() {
    synchronized (lock) {
      hurried = true;
      lock.notifyAll();
    }
  }

  @Override
  public void close() {
    Call call;
    synchronized (lock) {
      closed = true;
      call = open;
      lock.notifyAll();
    }
    if (call != null) {
      call.cancel();
    }
    thread.interrupt();
  }

  private void run() {
    while (!isClosed()) {
      try {
        if (version == null) {
          list();
        }
        watch();
      } catch (ApiException e) {
        if (e.getCode() == GONE) {
          expired();
        } else {
          failed("HTTP " + e.getCode() + " " + firstLine(e), e);
        }
      } catch (IOException | RuntimeException e) {
        failed(firstLine(e), e);
      }
    }
  }

  private void list() throws ApiException {
    EndpointSliceApi.Listing listing = api.list();
    slices.clear();
    listing.slices().forEach(slice -> slices.put(slice.getMetadata().getName(), slice));
    version = listing.version();
    publish();
  }

  private void watch() throws ApiException, IOException {
    long start = System.nanoTime();
    boolean heard = false;
    EndpointSliceApi.Changes changes = api.watch(version);
    try (Watch<JsonObject> events = changes.events()) {
      if (!opened(changes.call())) {
        return;
      }
      while (events.hasNext()) {
        Watch.Response<JsonObject> event = events.next();
        if ("ERROR".equals(event.type)) {
          throw new ApiException(
              event.status == null || event.status.getCode() == null ? 0 : event.status.getCode(),
              event.status == null ? "the watch failed" : event.status.getMessage());
        }
        heard = true;
        backoff.reset();
        apply(event);
      }
    } finally {
      opened(null);
    }
    if (!heard && System.nanoTime() - start < SHORT_WATCH_NANOS) {
      pause();
    }
  }

  private void apply(Watch.Response<JsonObject> event) {
    version = EndpointSliceApi.version(event.object);
    if (event.type.equals("BOOKMARK")) {
      // Says no more than the version.
      return;
    }
    String name = event.object.getAsJsonObject("metadata").get("name").getAsString();
    if (event.type.equals("DELETED")) {
      slices.remove(name);
    } else {
      slices.put(name, EndpointSliceApi.slice(event.object));
    }
    publish();
  }

  private void publish() {
    listener.endpoints(ReadyEndpoints.of(slices.values(), target));
  }

  /**
   * The server does not know our version any more: what we know stays until the new list is here.
   */
  private void expired() {
    log.debug("the watch of {} has expired and begins anew", target);
    version = null;
    pause();
  }

  private void failed(String what, Exception error) {
    if (!isClosed()) {
      listener.failed(what, error);
      pause();
    }
  }

  /** Notes the call that a close must cancel; false when it came too late for that. */
  private boolean opened(Call call) {
    synchronized (lock) {
      open = call;
      return !closed;
    }
  }

  private boolean isClosed() {
    synchronized (lock) {
      return closed;
    }
  }

  private void pause() {
    long until = System.nanoTime() + backoff.next().toNanos();
    synchronized (lock) {
      try {
        long left = until - System.nanoTime();
        while (!closed && !hurried && left > 0) {
          lock.wait(left / 1_000_000 + 1);
          left = until - System.nanoTime();
        }
      } catch (InterruptedException e) {
        // Only close() interrupts, and it has said so.
      }
      hurried = false;
    }
  }

  private static String firstLine(Throwable error) {
    Throwable deepest = error;
    while (deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    return String.valueOf(deepest.getMessage()).lines().findFirst().orElse("no message").strip();
  }
}
