package dev.loupe.server;

import dev.loupe.server.errors.ErrorInterceptor;
import dev.loupe.server.errors.ListenAddress;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.metrics.CallMetrics;
import io.grpc.BindableService;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServerStreamTracer;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * A gRPC server with everything that each of Loupe's servers needs: health, reflection, errors with
 * details, bounds on messages, calls and threads, metrics, TLS, and a drain before it ends.
 */
public final class GrpcServer implements AutoCloseable {
  /**
   * The name on {@code grpc.health.v1.Health} that is SERVING as long as the process lives and does
   * not drain, whatever its services lack: what a probe asks that ends the process. All other names
   * say whether the services can do their work.
   */
  public static final String LIVENESS = "liveness";

  private static final Duration CHECK_EVERY = Duration.ofSeconds(2);

  private final Builder settings;
  private final CallThreads threads;
  private final HealthStatusManager health = new HealthStatusManager();
  private final CallLimit calls;
  private final Server server;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final AtomicBoolean refusing = new AtomicBoolean();
  private volatile HealthWatch watch;

  private GrpcServer(Builder settings) {
    this.settings = settings;
    this.threads = new CallThreads(settings.threads);
    this.calls = new CallLimit(settings.maxCalls);
    this.server = build();
  }

  /** Starts to describe a server. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Listens.
   *
   * @throws LoupeException PORT_IN_USE; INVALID_VALUE when the host is not an address of this
   *     machine
   */
  public GrpcServer start() {
    try {
      server.start();
    } catch (IOException e) {
      threads.close();
      throw ListenAddress.refused(settings.host, settings.port, e);
    }
    health.setStatus(LIVENESS, ServingStatus.SERVING);
    say(ServiceHealth.GOOD);
    watch = HealthWatch.start(settings.check, CHECK_EVERY, HealthWatch.LIMIT, this::say);
    return this;
  }

  private void say(ServiceHealth found) {
    ServingStatus status = found.isServing() ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    // The whole before its parts: who saw a part change finds the whole changed.
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, status);
    for (ServerServiceDefinition service : settings.services) {
      health.setStatus(service.getServiceDescriptor().getName(), status);
    }
  }

  /** The port that it listens on. */
  public int port() {
    return server.getPort();
  }

  /** The host that it was told to listen on. */
  public String host() {
    return settings.host;
  }

  /** Calls that are open now. */
  public int openCalls() {
    return calls.open();
  }

  /** What the last check of the services found. */
  public ServiceHealth health() {
    return watch == null ? ServiceHealth.GOOD : watch.latest();
  }

  /** Waits until the server has ended. */
  public void awaitTermination() throws InterruptedException {
    server.awaitTermination();
  }

  /** Says NOT_SERVING and refuses new calls from now on, while open ones go on. */
  public void refuse() {
    // Health warns when it is told twice.
    if (refusing.compareAndSet(false, true)) {
      if (watch != null) {
        watch.close();
      }
      health.enterTerminalState();
      server.shutdown();
    }
  }

  /** Drains for the grace time of the settings, and ends. */
  @Override
  public void close() {
    drain(settings.grace);
  }

  /**
   * Ends: health says NOT_SERVING, new calls are refused, open ones have the grace time to finish,
   * and what is left then is cancelled.
   */
  public void drain(Duration grace) {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    refuse();
    try {
      if (!server.awaitTermination(grace.toMillis(), TimeUnit.MILLISECONDS)) {
        server.shutdownNow();
        server.awaitTermination(5, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      server.shutdownNow();
      Thread.currentThread().interrupt();
    }
    threads.close();
  }

  private Server build() {
    MessageSizes sizes = new MessageSizes(settings.maxMessageBytes);
    NettyServerBuilder builder =
        listenerOnly()
            .executor(threads.intake())
            .callExecutor(threads)
            .maxInboundMessageSize(Integer.MAX_VALUE)
            .addStreamTracerFactory(sizes.counter())
            .maxConcurrentCallsPerConnection(settings.maxCallsPerConnection)
            .permitKeepAliveTime(settings.permitKeepAlive.toMillis(), TimeUnit.MILLISECONDS)
            .permitKeepAliveWithoutCalls(true)
            .keepAliveTime(1, TimeUnit.MINUTES);
    // The one added last is called first.
    builder.intercept(sizes);
    builder.intercept(calls);
    builder.intercept(new ErrorInterceptor());
    settings.interceptors.forEach(builder::intercept);
    settings.tracers.forEach(builder::addStreamTracerFactory);
    if (settings.metrics != null) {
      builder.intercept(CallMetrics.interceptor(settings.metrics));
    }
    for (ServerServiceDefinition service : settings.services) {
      builder.addService(sizes.measured(service));
    }
    builder.addService(health.getHealthService());
    builder.addService(ProtoReflectionServiceV1.newInstance());
    builder.addService(olderReflection());
    return builder.build();
  }

  private NettyServerBuilder listenerOnly() {
    InetSocketAddress address = ListenAddress.of(settings.host, settings.port);
    if (settings.tls == null) {
      return NettyServerBuilder.forAddress(address, InsecureServerCredentials.create());
    }
    try {
      return NettyServerBuilder.forAddress(address, settings.tls.credentials());
    } catch (IllegalArgumentException e) {
      throw settings.tls.refused(e);
    }
  }

  /** What Python's reflection client still asks for. */
  @SuppressWarnings("deprecation")
  private static BindableService olderReflection() {
    return io.grpc.protobuf.services.ProtoReflectionService.newInstance();
  }

  /** Describes a server. */
  public static final class Builder {
    private String host = "127.0.0.1";
    private int port;
    private int maxMessageBytes = 8 << 20;
    private int maxCallsPerConnection = 256;
    private int maxCalls = 1024;
    private int threads = Math.max(8, 2 * Runtime.getRuntime().availableProcessors());
    private Duration permitKeepAlive = Duration.ofSeconds(10);
    private Duration grace = Duration.ofSeconds(10);
    private Supplier<ServiceHealth> check = () -> ServiceHealth.GOOD;
    private Tls tls;
    private MeterRegistry metrics;
    private final List<ServerServiceDefinition> services = new ArrayList<>();
    private final List<ServerInterceptor> interceptors = new ArrayList<>();
    private final List<ServerStreamTracer.Factory> tracers = new ArrayList<>();

    private Builder() {}

    /** Address to listen on; 127.0.0.1 unless said. */
    public Builder host(String host) {
      this.host = host;
      return this;
    }

    /** Port to listen on; 0, the default, takes any free one. */
    public Builder port(int port) {
      ListenAddress.checkPort("port", port);
      this.port = port;
      return this;
    }

    /** A service to serve, named on health. */
    public Builder service(BindableService service) {
      services.add(service.bindService());
      return this;
    }

    /** Largest request; 8 MiB unless said. */
    public Builder maxMessageBytes(int bytes) {
      this.maxMessageBytes = positive("max-message-bytes", bytes);
      return this;
    }

    /**
     * Calls that one connection may have open at once; 256 unless said. More wait at the client.
     */
    public Builder maxCallsPerConnection(int calls) {
      this.maxCallsPerConnection = positive("maxCallsPerConnection", calls);
      return this;
    }

    /**
     * Calls that may be open at once over all connections; 1024 unless said. More get QUEUE_FULL.
     */
    public Builder maxCalls(int calls) {
      this.maxCalls = positive("maxCalls", calls);
      return this;
    }

    /** Threads that run service methods; twice the processors, at least 8, unless said. */
    public Builder threads(int threads) {
      this.threads = positive("threads", threads);
      return this;
    }

    /**
     * How often clients may ping; every 10 seconds unless said. Those that do it more often are cut
     * off.
     */
    public Builder permitKeepAlive(Duration atLeast) {
      this.permitKeepAlive = atLeast;
      return this;
    }

    /** How long open calls may take to finish at the end; 10 seconds unless said. */
    public Builder grace(Duration grace) {
      this.grace = grace;
      return this;
    }

    /**
     * What health asks every other second, as {@link LoupeService#check}; always good unless said.
     */
    public Builder check(Supplier<ServiceHealth> check) {
      this.check = check;
      return this;
    }

    /** Serves TLS instead of plain text. */
    public Builder tls(Tls tls) {
      this.tls = tls;
      return this;
    }

    /** Counts and times calls in this registry. */
    public Builder metrics(MeterRegistry registry) {
      this.metrics = registry;
      return this;
    }

    /** One more interceptor, called before those for errors and bounds. */
    public Builder interceptor(ServerInterceptor interceptor) {
      interceptors.add(interceptor);
      return this;
    }

    /** Hears of calls on the transport's threads, before their requests are read. */
    public Builder tracer(ServerStreamTracer.Factory tracer) {
      tracers.add(tracer);
      return this;
    }

    /** The server, not yet listening. */
    public GrpcServer build() {
      return new GrpcServer(this);
    }

    /** The server, listening. Throws as {@link GrpcServer#start} does. */
    public GrpcServer start() {
      return build().start();
    }

    private static int positive(String field, int value) {
      if (value < 1) {
        throw LoupeException.invalidValue(field, value, "1 or more");
      }
      return value;
    }
  }
}
