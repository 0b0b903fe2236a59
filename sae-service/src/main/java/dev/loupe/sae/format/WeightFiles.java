package dev.loupe.sae.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
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
   * Reads a folder's weight file, or remembers it. Its header has been checked.
   *
   * @throws UnreadableDictionaryException when it changes faster than it can be read
   */
  Reading of(Path folder) throws IOException, UnreadableDictionaryException {
    Path file = folder.resolve(SaeLensFolder.WEIGHTS_FILE);
    for (int i = 0; i < MOST_READINGS; i++) {
      State state = state(file);
      Reading reading = known.get(file);
      if (reading != null && reading.state().equals(state)) {
        return reading;
      }
      reading = new Reading(state, Folders.sha256(file), SaeLensFolder.notFinite(folder));
      if (isUnchanged(folder, reading)) {
        known.put(file, reading);
        return reading;
      }
    }
    throw new UnreadableDictionaryException(
        SaeLensFolder.WEIGHTS_FILE + " keeps changing while it is read");
  }

  /** Whether a folder's weight file is what it was when it was read. */
  boolean isUnchanged(Path folder, Reading reading) throws IOException {
    return reading.state().equals(state(folder.resolve(SaeLensFolder.WEIGHTS_FILE)));
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
