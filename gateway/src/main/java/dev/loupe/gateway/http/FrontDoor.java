package dev.loupe.gateway.http;

import com.linecorp.armeria.common.SessionProtocol;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServerPort;
import com.linecorp.armeria.server.cors.CorsService;
import com.linecorp.armeria.server.grpc.GrpcHealthCheckService;
import com.linecorp.armeria.server.grpc.GrpcService;
import com.linecorp.armeria.server.healthcheck.HealthCheckService;
import dev.loupe.server.CallLimit;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.metrics.CallMetrics;
import io.grpc.BindableService;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.micrometer.core.instrument.MeterRegistry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.function.Function;

/**
 * The one port on which everything is: gRPC, gRPC-Web and JSON of every call, reflection, health,
 * the documentation and the page.
 */
public final class FrontDoor implements AutoCloseable {
  /** The longest that a JSON call, or a call of the gateway's own, may take. */
  private static final Duration LONGEST_CALL = Duration.ofMinutes(2);

  private static final int MAX_CONNECTIONS = 1_024;
  private static final int MAX_STREAMS = 256;
  private static final Duration IDLE = Duration.ofMinutes(5);

  private final Server server;

  private FrontDoor(Server server) {
    this.server = server;
  }

  /**
   * Opens.
   *
   * @param own the gateway's own service
   * @param forwarded services of others, those of one upstream together
   * @throws LoupeException PORT_IN_USE; INVALID_VALUE when the host is not an address of this
   *     machine
   */
  public static FrontDoor open(
      Address address,
      BindableService own,
      List<List<ServerServiceDefinition>> forwarded,
      MeterRegistry registry) {
    ServerServiceDefinition ours = ServerInterceptors.intercept(own, new CallContext(LONGEST_CALL));
    BindableService health = GrpcHealthCheckService.builder().build();
    List<ServerServiceDefinition> all = new ArrayList<>();
    forwarded.forEach(all::addAll);
    all.add(ours);
    all.add(health.bindService());
    JsonErrors errors = new JsonErrors();
    ApiRoutes routes = new ApiRoutes(address.maxMessageBytes(), errors, all);
    Function<? super HttpService, CorsService> origins =
        new Origins(address.allowedOrigins()).decorator();

    RequestBounds bounds = new RequestBounds(address.maxMessageBytes());

    ServerBuilder builder =
        builder(address).maxRequestLength(bounds.transportLimit()).errorHandler(errors);
    List<ServerInterceptor> around =
        List.of(new CallLimit(address.maxCalls()), CallMetrics.interceptor(registry));
    for (List<ServerServiceDefinition> services : forwarded) {
      serve(builder, routes.of(within(around, services)), bounds, origins);
    }
    List<ServerServiceDefinition> local = new ArrayList<>(within(around, List.of(ours)));
    local.addAll(Reflection.over(all));
    serve(builder, routes.withHealth(local, health), bounds, origins);
    builder.service("/healthz", HealthCheckService.of());
    builder.serviceUnder("/docs", ApiDocs.service());
    builder.serviceUnder("/", new WebPage());
    return start(builder.build(), address);
  }

  /** The port that it listens on. */
  public int port() {
    return server.activeLocalPort();
  }

  /** Waits until it is closed. */
  public void awaitClosed() {
    server.whenClosed().join();
  }

  /** Refuses new calls, and gives open ones a few seconds. */
  @Override
  public void close() {
    server.stop().join();
  }

  private static void serve(
      ServerBuilder builder,
      GrpcService service,
      RequestBounds bounds,
      Function<? super HttpService, CorsService> origins) {
    Function<HttpService, HttpService> bounded = http -> http.decorate(bounds);
    builder.service(service, bounded, origins);
  }

  /** The last of the interceptors is called first. */
  private static List<ServerServiceDefinition> within(
      List<ServerInterceptor> interceptors, List<ServerServiceDefinition> services) {
    return services.stream()
        .map(service -> ServerInterceptors.intercept(service, interceptors))
        .toList();
  }

  private static ServerBuilder builder(Address address) {
    boolean secure = address.tls() != null;
    ServerBuilder builder =
        Server.builder()
            .port(
                new ServerPort(
                    resolve(address), secure ? SessionProtocol.HTTPS : SessionProtocol.HTTP))
            .requestTimeout(LONGEST_CALL)
            .maxNumConnections(MAX_CONNECTIONS)
            .http2MaxStreamsPerConnection(MAX_STREAMS)
            .idleTimeout(IDLE)
            .gracefulShutdownTimeout(Duration.ZERO, address.grace())
            .unloggedExceptionsReportInterval(Duration.ZERO);
    if (secure) {
      builder.tls(address.tls().certificate().toFile(), address.tls().key().toFile());
    }
    return builder;
  }

  private static InetSocketAddress resolve(Address address) {
    try {
      return new InetSocketAddress(InetAddress.getByName(address.host()), address.port());
    } catch (UnknownHostException e) {
      throw cannotListen(address, e);
    }
  }

  private static FrontDoor start(Server server, Address address) {
    try {
      server.start().join();
      return new FrontDoor(server);
    } catch (CompletionException e) {
      server.close();
      throw cannotListen(address, e.getCause());
    }
  }

  private static LoupeException cannotListen(Address address, Throwable why) {
    for (Throwable t = why; t != null; t = t.getCause()) {
      if (String.valueOf(t.getMessage()).contains("in use")) {
        return LoupeException.of(
                ErrorReason.PORT_IN_USE,
                "port "
                    + address.port()
                    + " on "
                    + address.host()
                    + " is in use by another program; give another port, or 0 for any",
                why)
            .with("host", address.host())
            .with("port", address.port());
      }
    }
    return LoupeException.of(
            ErrorReason.INVALID_VALUE,
            "cannot listen on host \""
                + address.host()
                + "\", port "
                + address.port()
                + ": "
                + why.getMessage()
                + "; give an address of this machine, such as 127.0.0.1 or 0.0.0.0",
            why)
        .with("field", "host");
  }
}
