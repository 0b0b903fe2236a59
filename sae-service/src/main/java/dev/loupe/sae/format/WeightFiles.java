package dev.loupe.sae.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What was found out by reading weight files from end to end, remembered for as long as a file does
 * not change. Safe for many threads.
 */
final class WeightFiles {
  private static final int MOST_READINGS = 3;

  private record State(long size, FileTime modified, Object key) {}

  /**
   * A weight file at one time.
   *
   * @param sha256 lower-case hexadecimal
   * @param problem why no dictionary can be made of its values; empty when one can
   */
  record Reading(Object state, String sha256, Optional<String> problem) {
    void requireReadable() throws UnreadableDictionaryException {
      if (problem.isPresent()) {
        throw new UnreadableDictionaryException(problem.get());
      }
    }
  }

  private final Map<Path, Reading> known = new ConcurrentHashMap<>();

  /**
   * Reads a folder's weight file, or remembers it.
   *
   * @throws UnreadableDictionaryException when it changes faster than it can be read
   */
  Reading of(Path folder, SaeLensConfig config) throws IOException, UnreadableDictionaryException {
    Path file = folder.resolve(SaeLensFolder.WEIGHTS_FILE);
    for (int i = 0; i < MOST_READINGS; i++) {
      State state = state(file);
      Reading reading = known.get(file);
      if (reading != null && reading.state().equals(state)) {
        return reading;
      }
      List<String> problems = new ArrayList<>();
      String sha256 = SaeLensFolder.scan(folder, config, problems::add);
      reading = new Reading(state, sha256, problems.stream().findFirst());
      if (state.equals(state(file))) {
        known.put(file, reading);
        return reading;
      }
    }
    throw new UnreadableDictionaryException(
        SaeLensFolder.WEIGHTS_FILE + " keeps changing while it is read");
  }

  /** Forgets a folder that is gone. */
  void forget(Path folder) {
    known.remove(folder.resolve(SaeLensFolder.WEIGHTS_FILE));
  }

  private static State state(Path file) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    return new State(attributes.size(), attributes.lastModifiedTime(), attributes.fileKey());
  }
}
