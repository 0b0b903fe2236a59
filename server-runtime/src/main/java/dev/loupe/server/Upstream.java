package dev.loupe.server;

import dev.loupe.server.errors.LoupeException;
import io.grpc.ManagedChannel;
import java.nio.file.Path;

/**
 * How a server calls the servers behind it.
 *
 * @param authorities PEM file with the certificates to trust, for TLS; null for plain text
 */
public record Upstream(Path authorities) {
  /** Without TLS. */
  public static final Upstream PLAIN_TEXT = new Upstream(null);

  /**
   * A channel, which its caller closes.
   *
   * @param target as {@link Channels} takes it
   * @throws LoupeException INVALID_VALUE when the certificates cannot be read
   */
  public ManagedChannel open(String target) {
    return authorities == null ? Channels.plaintext(target) : Channels.tls(target, authorities);
  }
}
