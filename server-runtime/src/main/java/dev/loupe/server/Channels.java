package dev.loupe.server;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Makes channels to Loupe's servers: every address of the target is used in turn, call by call,
 * responses may have any size that servers send, and dead connections are noticed.
 */
public final class Channels {
  private static final int MAX_RESPONSE_BYTES = 16 << 20;

  private Channels() {}

  /**
   * A plain-text channel.
   *
   * @param target {@code host:port}, or any target that gRPC has a name resolver for, such as
   *     {@code dns:///host:port}
   */
  public static ManagedChannel plaintext(String target) {
    return open(target, InsecureChannelCredentials.create());
  }

  /**
   * A TLS channel.
   *
   * @param authorities PEM file with the certificates to trust; null for those that the JVM trusts
   * @throws LoupeException INVALID_VALUE when the file cannot be read
   */
  public static ManagedChannel tls(String target, Path authorities) {
    if (authorities == null) {
      return open(target, TlsChannelCredentials.create());
    }
    Tls.requireReadable("authorities", authorities);
    try {
      return open(
          target, TlsChannelCredentials.newBuilder().trustManager(authorities.toFile()).build());
    } catch (IOException | IllegalArgumentException e) {
      throw LoupeException.of(
          ErrorReason.INVALID_VALUE,
          "authorities " + authorities + " are no PEM certificates: " + e.getMessage(),
          e);
    }
  }

  private static ManagedChannel open(String target, ChannelCredentials credentials) {
    return NettyChannelBuilder.forTarget(target, credentials)
        .defaultLoadBalancingPolicy("round_robin")
        .maxInboundMessageSize(MAX_RESPONSE_BYTES)
        .keepAliveTime(30, TimeUnit.SECONDS)
        .keepAliveTimeout(10, TimeUnit.SECONDS)
        .build();
  }

  /** Closes a channel: open calls have five seconds to finish. */
  public static void close(ManagedChannel channel) {
    channel.shutdown();
    try {
      if (!channel.awaitTermination(5, TimeUnit.SECONDS)) {
        channel.shutdownNow();
      }
    } catch (InterruptedException e) {
      channel.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
