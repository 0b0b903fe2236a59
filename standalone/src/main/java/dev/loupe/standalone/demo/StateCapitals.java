package dev.loupe.standalone.demo;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** The fifty states and their capitals, as the corpus has them. */
final class StateCapitals {
  private static final String TABLE = "/corpus/us_states.csv";

  private StateCapitals() {}

  /** A state and its capital. */
  record Pair(String state, String capital) {}

  static List<Pair> all() {
    try (InputStream table = StateCapitals.class.getResourceAsStream(TABLE);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(table, StandardCharsets.UTF_8))) {
      return lines
          .lines()
          .skip(1)
          .map(line -> line.split(","))
          .map(cells -> new Pair(cells[0], cells[1]))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
