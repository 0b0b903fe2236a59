package dev.loupe.sae;

import dev.loupe.server.ServiceHealth;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The folder that dictionaries, corpora, checkpoints and operations are in, as health looks at it.
 *
 * @param path where it is
 */
record DataFolder(Path path) {
  private static final long LITTLE_BYTES = 64L << 20;

  /**
   * A problem when it cannot be written. A full disk is a warning: dictionaries are still served
   * from it, and deleting something is what mends it.
   */
  ServiceHealth check() {
    if (!Files.isDirectory(path) || !Files.isWritable(path)) {
      return ServiceHealth.problem(
          "the data folder " + path + " is not there, or cannot be written");
    }
    try {
      long left = Files.getFileStore(path).getUsableSpace();
      return left < LITTLE_BYTES
          ? ServiceHealth.warning(
              "the disk of the data folder " + path + " has " + left + " bytes left")
          : ServiceHealth.GOOD;
    } catch (IOException e) {
      return ServiceHealth.problem("the data folder " + path + " cannot be read: " + e);
    }
  }
}
