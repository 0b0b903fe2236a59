package dev.loupe.inference.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;

/**
 * The hash by which the hub names a file's content: SHA-256 for large files, Git's blob hash (SHA-1
 * over a header and the content) for small ones.
 *
 * @param hex lower-case hexadecimal, 64 or 40 digits
 */
record ContentHash(String hex) {
  private static final int SHA256_DIGITS = 64;
  private static final int SHA1_DIGITS = 40;

  /** Reads an entity tag; empty when it is no such hash. */
  static Optional<ContentHash> ofTag(String tag) {
    String bare = tag.startsWith("W/") ? tag.substring(2) : tag;
    String hex = bare.replace("\"", "").toLowerCase(Locale.ROOT);
    boolean known = hex.length() == SHA256_DIGITS || hex.length() == SHA1_DIGITS;
    return known && hex.chars().allMatch(c -> Character.digit(c, 16) >= 0)
        ? Optional.of(new ContentHash(hex))
        : Optional.empty();
  }

  /** True when a file's content has this hash. */
  boolean matches(Path file) throws IOException {
    MessageDigest digest = digest(hex.length() == SHA256_DIGITS ? "SHA-256" : "SHA-1");
    if (hex.length() == SHA1_DIGITS) {
      digest.update(("blob " + Files.size(file) + "\0").getBytes(StandardCharsets.UTF_8));
    }
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
    }
    return HexFormat.of().formatHex(digest.digest()).equals(hex);
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has " + algorithm, e);
    }
  }
}
