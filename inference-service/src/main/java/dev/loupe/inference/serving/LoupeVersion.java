package dev.loupe.inference.serving;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version that the build wrote down. */
final class LoupeVersion {
  private LoupeVersion() {}

  static String read() {
    Properties build = new Properties();
    try (InputStream file = LoupeVersion.class.getResourceAsStream("build.properties")) {
      build.load(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return build.getProperty("version");
  }
}
