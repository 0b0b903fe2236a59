package dev.loupe.gateway.http;

import com.linecorp.armeria.common.SessionProtocol;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServerPort;
import com.linecorp.armeria.server.cors.CorsService;
import com.linecorp.armeria.server.grpc.GrpcService;
import dev.loupe.server.CallLimit;
import dev.loupe.server.errors.ListenAddress;
import dev.loupe.server.metrics.CallMetrics;
import io.grpc.BindableService;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.micrometer.core.instrument.MeterRegistry;
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
   * @param health what is said of it
   * @param tenancy notes whose calls are
   * @throws dev.loupe.server.errors.LoupeException PORT_IN_USE; INVALID_VALUE when the host is not
   *     an address of this machine
   */
  public static FrontDoor open(
      Address address,
      BindableService own,
      List<List<ServerServiceDefinition>> forwarded,
      GatewayHealth health,
      ServerInterceptor tenancy,
      MeterRegistry registry) {
    ServerServiceDefinition ours = ServerInterceptors.intercept(own, new CallContext(LONGEST_CALL));
    BindableService grpcHealth = health.grpc();
    List<ServerServiceDefinition> all = new ArrayList<>();
    forwarded.forEach(all::addAll);
    all.add(ours);
    all.add(grpcHealth.bindService());
    JsonErrors errors = new JsonErrors();
    ApiRoutes routes = new ApiRoutes(address.maxMessageBytes(), errors, all);
    Function<? super HttpService, CorsService> origins =
        new Origins(address.allowedOrigins()).decorator();

    RequestBounds bounds = new RequestBounds(address.maxMessageBytes());

    ServerBuilder builder =
        builder(address).maxRequestLength(bounds.transportLimit()).errorHandler(errors);
    List<ServerInterceptor> around =
        List.of(tenancy, new CallLimit(address.maxCalls()), CallMetrics.interceptor(registry));
    for (List<ServerServiceDefinition> services : forwarded) {
      serve(builder, routes.of(within(around, services)), bounds, origins);
    }
    List<ServerServiceDefinition> local = new ArrayList<>(within(around, List.of(ours)));
    local.addAll(Reflection.over(all));
    serve(builder, routes.withHealth(local, grpcHealth), bounds, origins);
    builder.service("/healthz", health.http());
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
                    ListenAddress.of(address.host(), address.port()),
                    secure ? SessionProtocol.HTTPS : SessionProtocol.HTTP))
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

  private static FrontDoor start(Server server, Address address) {
    try {
      server.start().join();
      return new FrontDoor(server);
    } catch (CompletionException e) {
      server.close();
      throw ListenAddress.refused(address.host(), address.port(), e.getCause());
    }
  }
}
