package dev.loupe.gateway.proxy;

import com.linecorp.armeria.server.ServiceRequestContext;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Serves another server's gRPC services by passing every call on to it, byte for byte. Knows no
 * method by name: a new RPC in a proto is forwarded as soon as the protos are built.
 *
 * <p>Deadlines and metadata go along, and so do statuses with their details. Nothing here blocks,
 * so all of it runs on the network threads of the two sides.
 */
public final class ServiceForwarder {
  private final Upstream upstream;
  private final ForwardingMeters meters;

  /** Forwards to this service and counts in this registry. */
  public ServiceForwarder(Upstream upstream, MeterRegistry registry) {
    this.upstream = upstream;
    this.meters = new ForwardingMeters(registry, upstream.name());
  }

  /** A service with all methods of a generated one, each forwarded. */
  public ServerServiceDefinition forward(ServiceDescriptor service) {
    Map<String, MethodDescriptor<byte[], byte[]>> methods = new LinkedHashMap<>();
    for (MethodDescriptor<?, ?> method : service.getMethods()) {
      methods.put(method.getFullMethodName(), raw(method));
    }
    ServiceDescriptor.Builder listed =
        ServiceDescriptor.newBuilder(service.getName())
            .setSchemaDescriptor(service.getSchemaDescriptor());
    methods.values().forEach(listed::addMethod);
    ServerServiceDefinition.Builder forwarded = ServerServiceDefinition.builder(listed.build());
    methods
        .values()
        .forEach(
            method ->
                forwarded.addMethod(
                    method,
                    (inbound, headers) ->
                        new ForwardedCall(inbound, call(method), upstream, meters).start(headers)));
    return forwarded.build();
  }

  private ClientCall<byte[], byte[]> call(MethodDescriptor<byte[], byte[]> method) {
    CallOptions options = CallOptions.DEFAULT.withExecutor(Runnable::run);
    // Unset where the client gave no deadline.
    long timeout = ServiceRequestContext.current().requestTimeoutMillis();
    if (timeout > 0) {
      options = options.withDeadlineAfter(timeout, TimeUnit.MILLISECONDS);
    }
    return upstream.calls().newCall(method, options);
  }

  private static MethodDescriptor<byte[], byte[]> raw(MethodDescriptor<?, ?> method) {
    return method.toBuilder(
            RawMarshaller.inPlaceOf(method.getRequestMarshaller()),
            RawMarshaller.inPlaceOf(method.getResponseMarshaller()))
        .build();
  }
}
