package dev.loupe.tensor;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 over what is given piece by piece. */
final class Sha256 {
  private final MessageDigest digest;

  Sha256() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** Takes what remains of a buffer. */
  void update(ByteBuffer bytes) {
    digest.update(bytes);
  }

  /** Lower-case hexadecimal; once. */
  String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
