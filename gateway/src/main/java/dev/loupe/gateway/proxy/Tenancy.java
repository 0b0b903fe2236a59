package dev.loupe.gateway.proxy;

import com.linecorp.armeria.server.ServiceRequestContext;
import dev.loupe.server.GatewayKey;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;

/**
 * Tells the services behind the gateway whose each call is, so that clients of one gateway are not
 * one tenant: what the client says in {@code loupe-tenant}, else its address. With a gateway key
 * clients are not believed: it is their address, and the key tells the services to believe that.
 */
public final class Tenancy implements ServerInterceptor, ClientInterceptor {
  private static final Context.Key<String> TENANT = Context.key("loupe-gateway-tenant");

  private final GatewayKey key;

  /**
   * @param key may be null
   */
  public Tenancy(GatewayKey key) {
    this.key = key;
  }

  /** Notes whose call it is. */
  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    String named = key == null ? headers.get(GatewayKey.TENANT) : null;
    Context context = Context.current().withValue(TENANT, named == null ? address() : named);
    return Contexts.interceptCall(context, call, headers, next);
  }

  /** Says it to the service that is called for it. */
  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    String tenant = TENANT.get();
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<R> responses, Metadata headers) {
        headers.discardAll(GatewayKey.TENANT);
        headers.discardAll(GatewayKey.HEADER);
        if (tenant != null) {
          headers.put(GatewayKey.TENANT, tenant);
        }
        if (key != null) {
          key.addTo(headers);
        }
        super.start(responses, headers);
      }
    };
  }

  /** Without the zone that IPv6 addresses of this machine may end with. */
  private static String address() {
    return ServiceRequestContext.current().clientAddress().getHostAddress().replaceFirst("%.*", "");
  }
}
