package dev.loupe.server;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.Metadata;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;

/** The secret by which services know that a call comes through the gateway. */
public final class GatewayKey {
  /** Whose a call is: what fairness between tenants goes by. */
  public static final Metadata.Key<String> TENANT =
      Metadata.Key.of("loupe-tenant", Metadata.ASCII_STRING_MARSHALLER);

  /** Carries the secret. */
  public static final Metadata.Key<String> HEADER =
      Metadata.Key.of("loupe-gateway-key", Metadata.ASCII_STRING_MARSHALLER);

  private static final String SHAPE = "[!-~]{16,256}";

  private final String secret;

  private GatewayKey(String secret) {
    this.secret = secret;
  }

  /**
   * Reads the secret.
   *
   * @param file holds it on its only line; null for none
   * @return null for none
   * @throws LoupeException INVALID_VALUE when the file cannot be read or holds no such line
   */
  public static GatewayKey read(Path file) {
    if (file == null) {
      return null;
    }
    String secret;
    try {
      secret = Files.readString(file).strip();
    } catch (IOException e) {
      throw LoupeException.of(
          ErrorReason.INVALID_VALUE, "--gateway-key-file " + file + " cannot be read: " + e, e);
    }
    if (!secret.matches(SHAPE)) {
      throw LoupeException.of(
          ErrorReason.INVALID_VALUE,
          "--gateway-key-file "
              + file
              + " must hold one line of 16 to 256 printable ASCII characters without spaces");
    }
    return new GatewayKey(secret);
  }

  /** Whether a call's headers bring it. */
  public boolean isIn(Metadata headers) {
    String brought = headers.get(HEADER);
    return brought != null && MessageDigest.isEqual(bytes(brought), bytes(secret));
  }

  /** Puts it into a call's headers. */
  public void addTo(Metadata headers) {
    headers.put(HEADER, secret);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
