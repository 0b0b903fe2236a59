package dev.loupe.server;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.ServerCredentials;
import io.grpc.TlsServerCredentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A server's certificate.
 *
 * @param certificate PEM file with the certificate chain
 * @param key PEM file with the unencrypted PKCS #8 private key
 */
public record Tls(Path certificate, Path key) {
  ServerCredentials credentials() {
    requireReadable("tls-cert", certificate);
    requireReadable("tls-key", key);
    try {
      return TlsServerCredentials.create(certificate.toFile(), key.toFile());
    } catch (IOException e) {
      throw refused(e);
    }
  }

  LoupeException refused(Exception why) {
    return LoupeException.of(
        ErrorReason.INVALID_VALUE,
        "tls-cert "
            + certificate
            + " and tls-key "
            + key
            + " are no certificate chain with its unencrypted PKCS #8 key, both in PEM: "
            + why.getMessage(),
        why);
  }

  static void requireReadable(String field, Path file) {
    if (!Files.isReadable(file)) {
      throw LoupeException.invalidValue(field, file.toString(), "a PEM file that can be read");
    }
  }
}
