package dev.loupe.features;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** A feature store on a loopback port with a channel to it. */
final class RunningStore implements AutoCloseable {
  private final MeterRegistry registry = new SimpleMeterRegistry();
  private final FeatureStoreServer server;
  private final ManagedChannel channel;

  RunningStore(String jdbcUrl) {
    server = FeatureStoreServer.start(jdbcUrl, "127.0.0.1", 0, registry);
    channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.port())
            .usePlaintext()
            .maxInboundMessageSize(32 << 20)
            .build();
  }

  ManagedChannel channel() {
    return channel;
  }

  MeterRegistry registry() {
    return registry;
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.close();
  }
}
