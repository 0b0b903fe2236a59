package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.SessionProtocol;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import com.linecorp.armeria.server.ServerPort;
import com.linecorp.armeria.server.TransientHttpService;
import dev.loupe.gateway.rest.OpenApiDocument;
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
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.function.Function;
import java.util.stream.Stream;

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
  private final Drain drain;

  private FrontDoor(Server server, Drain drain) {
    this.server = server;
    this.drain = drain;
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
    HttpErrors errors = new HttpErrors(address.maxMessageBytes());
    ApiRoutes routes = new ApiRoutes(address.maxMessageBytes(), errors, all);
    Origins origins = new Origins(address.allowedOrigins());
    HostNames names = new HostNames(address.host(), address.allowedHosts());
    Drain drain = new Drain(address.grace());

    ServerBuilder builder =
        builder(address)
            .maxRequestLength(address.maxMessageBytes())
            .errorHandler(errors)
            .gracefulShutdown(drain.shutdown())
            .decorator(drain)
            .decorator(new CallerCheck(names, origins));
    List<ServerInterceptor> around =
        List.of(tenancy, new CallLimit(address.maxCalls()), CallMetrics.interceptor(registry));
    Function<HttpService, HttpService> bounded =
        http ->
            http.decorate(new Utf8Bodies())
                .decorate(whole -> new RequestBounds(whole, address.maxMessageBytes()));
    for (List<ServerServiceDefinition> services : forwarded) {
      List<ServerServiceDefinition> counted = within(around, services);
      builder.service(routes.of(counted), bounded, origins.decorator());
      routes
          .streams(counted)
          .forEach(
              (route, stream) ->
                  builder.service(route, stream.decorate(bounded).decorate(origins.decorator())));
    }
    builder.service(routes.of(within(around, List.of(ours))), bounded, origins.decorator());
    builder.service(
        routes.forTools(Reflection.over(all), grpcHealth),
        bounded,
        origins.decorator(),
        TransientHttpService.newDecorator());
    builder.service("/healthz", health.http());
    builder.service("/openapi.json", openApi(ours, forwarded));
    builder.serviceUnder("/docs/rpc", ApiDocs.service());
    builder.serviceUnder("/docs", DocsPage.service());
    builder.serviceUnder("/", new WebPage());
    return new FrontDoor(start(builder.build(), address), drain);
  }

  /** The port that it listens on. */
  public int port() {
    return server.activeLocalPort();
  }

  /** Waits until it is closed. */
  public void awaitClosed() {
    server.whenClosed().join();
  }

  /** Refuses new calls, waits for open ones as long as the grace lasts, and ends. */
  @Override
  public void close() {
    drain.begin();
    server.stop().join();
  }

  /** The document of all calls that have a JSON form, our own services first. */
  private static HttpService openApi(
      ServerServiceDefinition ours, List<List<ServerServiceDefinition>> forwarded) {
    List<String> names =
        Stream.concat(Stream.of(ours), forwarded.stream().flatMap(List::stream))
            .map(service -> service.getServiceDescriptor().getName())
            .sorted(Comparator.comparing(name -> !name.startsWith("loupe.")))
            .toList();
    HttpData document = HttpData.ofUtf8(OpenApiDocument.of(names));
    return (ctx, request) -> HttpResponse.of(HttpStatus.OK, MediaType.JSON_UTF_8, document);
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
            .unloggedExceptionsReportInterval(Duration.ZERO);
    if (secure) {
      builder.tls(address.tls().certificate().toFile(), address.tls().key().toFile());
    }
    return builder;
  }

  private static Server start(Server server, Address address) {
    try {
      server.start().join();
      return server;
    } catch (CompletionException e) {
      server.close();
      throw ListenAddress.refused(address.host(), address.port(), e.getCause());
    }
  }
}
