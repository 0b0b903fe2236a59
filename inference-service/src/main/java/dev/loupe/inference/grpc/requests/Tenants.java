package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.scheduling.Call;
import dev.loupe.server.GatewayKey;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.Departure;
import dev.loupe.server.streams.ClientWait;
import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

/**
 * Knows whose call it is: the header {@code loupe-tenant} says so, else the caller's address does.
 * Where there is a gateway key, the header counts only in calls that bring it. A tenant is what
 * fairness goes by; nothing is given to a caller because of the name that it bears. Refuses with
 * QUEUE_FULL what one tenant has open beyond its share, so that it cannot take all the calls that
 * run at once.
 */
public final class Tenants implements ServerInterceptor {
  private static final Context.Key<String> TENANT = Context.key("loupe-tenant");
  private static final Pattern NAME = Pattern.compile("[\\w.@:-]{1,64}");

  private final OpenCalls open;

  private final GatewayKey key;

  private Tenants(int mostOfOne, GatewayKey key) {
    this.open = new OpenCalls(mostOfOne);
    this.key = key;
  }

  /**
   * These services, knowing whose each call is.
   *
   * @param mostOfOne calls that one tenant may have open at all of them together
   * @param key without which no call's header is believed; null to believe all
   */
  public static List<BindableService> known(
      int mostOfOne, GatewayKey key, BindableService... services) {
    Tenants tenants = new Tenants(mostOfOne, key);
    List<BindableService> known = new ArrayList<>();
    for (BindableService service : services) {
      known.add(() -> ServerInterceptors.intercept(service.bindService(), tenants));
    }
    return List.copyOf(known);
  }

  /** The running call, as the scheduler sees it. */
  public static Call current() {
    Context context = Context.current();
    Thread thread = Thread.currentThread();
    String tenant = TENANT.get(context);
    return new Call(
        tenant == null ? "unknown" : tenant,
        () -> {
          if (context.isCancelled()) {
            throw LoupeException.of(
                ErrorReason.CALL_CANCELLED, "the client went away, or its deadline has passed");
          }
          // The work of a turn is done by another thread, which gets the call's interrupts.
          if (thread.isInterrupted() || Thread.currentThread().isInterrupted()) {
            throw LoupeException.of(ErrorReason.SHUTTING_DOWN, "the server is going down");
          }
        },
        new ContextDeparture(context),
        ClientWait.current());
  }

  /** A call's context ends when its client cancels, goes away, or lets its deadline pass. */
  private static final class ContextDeparture implements Departure {
    private final Context context;
    private final Map<Runnable, Context.CancellationListener> listeners = new ConcurrentHashMap<>();

    ContextDeparture(Context context) {
      this.context = context;
    }

    @Override
    public void listen(Runnable listener) {
      Context.CancellationListener told = ended -> listener.run();
      listeners.put(listener, told);
      context.addListener(told, Runnable::run);
    }

    @Override
    public void ignore(Runnable listener) {
      Context.CancellationListener told = listeners.remove(listener);
      if (told != null) {
        context.removeListener(told);
      }
    }
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    String named = key == null || key.isIn(headers) ? headers.get(GatewayKey.TENANT) : null;
    if (named != null && !NAME.matcher(named).matches()) {
      throw LoupeException.invalidValue(
          "loupe-tenant", named, "1 to 64 letters, digits and characters of _.@:-");
    }
    String tenant =
        named != null ? named : peer(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR));
    open.begin(tenant);
    try {
      Context context = Context.current().withValue(TENANT, tenant);
      return open.ending(tenant, Contexts.interceptCall(context, call, headers, next));
    } catch (Throwable t) {
      open.end(tenant);
      throw t;
    }
  }

  private static String peer(SocketAddress address) {
    return address instanceof InetSocketAddress internet && internet.getAddress() != null
        ? internet.getAddress().getHostAddress()
        : String.valueOf(address);
  }
}
