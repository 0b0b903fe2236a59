package dev.loupe.testkit.grpc;

import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerInterceptor;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Serves gRPC services over a real socket on the loopback interface for JUnit 5 tests, with a
 * channel to it.
 *
 * <pre>{@code
 * @RegisterExtension
 * final GrpcServerExtension grpc = GrpcServerExtension.serving(() -> new MyService());
 *
 * @Test
 * void answers(ManagedChannel channel) { MyServiceGrpc.newBlockingStub(channel)... }
 * }</pre>
 *
 * <p>In a static field it serves all tests of the class, in an instance field it starts anew for
 * each.
 */
public final class GrpcServerExtension
    implements BeforeAllCallback,
        AfterAllCallback,
        BeforeEachCallback,
        AfterEachCallback,
        ParameterResolver {
  private final List<Supplier<? extends BindableService>> services = new ArrayList<>();
  private final List<ServerInterceptor> interceptors = new ArrayList<>();
  private final List<Consumer<NettyServerBuilder>> settings = new ArrayList<>();
  private boolean shared;
  private Server server;
  private ManagedChannel channel;

  private GrpcServerExtension() {}

  /** Serves a service, which is made when the server starts. */
  public static GrpcServerExtension serving(Supplier<? extends BindableService> service) {
    return new GrpcServerExtension().and(service);
  }

  /** Serves one more service. */
  public GrpcServerExtension and(Supplier<? extends BindableService> service) {
    services.add(service);
    return this;
  }

  /** Adds an interceptor, called before those added earlier. */
  public GrpcServerExtension intercepted(ServerInterceptor interceptor) {
    interceptors.add(interceptor);
    return this;
  }

  /** Changes the server's settings before it starts. */
  public GrpcServerExtension configured(Consumer<NettyServerBuilder> setting) {
    settings.add(setting);
    return this;
  }

  /** The channel to the server. */
  public ManagedChannel channel() {
    requireStarted();
    return channel;
  }

  /** The port that the server listens on, at 127.0.0.1. */
  public int port() {
    requireStarted();
    return server.getPort();
  }

  /** One more channel to the server, which the caller closes. */
  public ManagedChannel newChannel() {
    return NettyChannelBuilder.forAddress("127.0.0.1", port()).usePlaintext().build();
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    shared = true;
    start();
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    if (!shared) {
      start();
    }
  }

  @Override
  public void afterEach(ExtensionContext context) throws InterruptedException {
    if (!shared) {
      stop();
    }
  }

  @Override
  public void afterAll(ExtensionContext context) throws InterruptedException {
    stop();
    shared = false;
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == ManagedChannel.class || type == Channel.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return channel();
  }

  private void start() {
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    services.forEach(service -> builder.addService(service.get()));
    interceptors.forEach(builder::intercept);
    settings.forEach(setting -> setting.accept(builder));
    try {
      server = builder.build().start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    channel = newChannel();
  }

  private void stop() throws InterruptedException {
    if (server == null) {
      return;
    }
    channel.shutdownNow();
    server.shutdownNow();
    boolean ended =
        channel.awaitTermination(10, TimeUnit.SECONDS)
            && server.awaitTermination(10, TimeUnit.SECONDS);
    server = null;
    channel = null;
    if (!ended) {
      throw new IllegalStateException(
          "the gRPC server or its channel did not end within 10 seconds");
    }
  }

  private void requireStarted() {
    if (server == null) {
      throw new IllegalStateException(
          "the gRPC server runs only during tests: is the field annotated @RegisterExtension?");
    }
  }
}
