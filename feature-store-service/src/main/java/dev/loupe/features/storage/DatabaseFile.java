package dev.loupe.features.storage;

import dev.loupe.features.domain.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/** The file that was opened as a database, to notice that it is no longer there. */
final class DatabaseFile {
  private final Path path;
  private final Object key;

  private DatabaseFile(Path path, Object key) {
    this.path = path;
    this.key = key;
  }

  static DatabaseFile of(Path path) {
    return new DatabaseFile(path, key(path));
  }

  /**
   * Connections go on reading and writing a deleted file, and what they write is lost with them.
   *
   * @throws StorageException when the file is gone, or another is in its place
   */
  void check() {
    if (!Objects.equals(key, key(path))) {
      throw new StorageException(
          StorageException.Kind.UNAVAILABLE,
          "the database file "
              + path
              + " was moved, deleted or replaced while it was open; put it back, or start again",
          null);
    }
  }

  private static Object key(Path path) {
    try {
      Object key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
      return key == null ? path : key;
    } catch (IOException e) {
      return null;
    }
  }
}
