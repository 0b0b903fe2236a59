package dev.loupe.standalone.embedded;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Where one Loupe keeps what it makes, held by a lock so that no second one writes into it. */
final class DataFolder implements AutoCloseable {
  private final Path folder;
  private final FileChannel channel;
  private final FileLock lock;

  private DataFolder(Path folder, FileChannel channel, FileLock lock) {
    this.folder = folder;
    this.channel = channel;
    this.lock = lock;
  }

  /**
   * Makes the folder if it is missing, and locks it.
   *
   * @throws StartException if it cannot be written, or another Loupe holds it
   */
  static DataFolder open(Path folder) {
    FileChannel channel = null;
    try {
      Files.createDirectories(folder);
      channel =
          FileChannel.open(
              folder.resolve("loupe.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return new DataFolder(folder, channel, lock);
      }
    } catch (OverlappingFileLockException e) {
      // Held in this very process: told below.
    } catch (IOException e) {
      close(channel);
      throw new StartException(
          "the folder " + folder + " cannot be written (" + e + "); give one that can with --dir",
          e);
    }
    close(channel);
    throw new StartException(
        "another Loupe is using the folder "
            + folder
            + "; end it, or give this one a folder of its own with --dir");
  }

  /** The feature store's database. */
  Path database() {
    return folder.resolve("features.db");
  }

  /** Corpora, dictionaries, checkpoints and operations. */
  Path artifacts() {
    return folder.resolve("artifacts");
  }

  /** Models that were unpacked here. */
  Path models() {
    return folder.resolve("models");
  }

  @Override
  public void close() {
    try {
      lock.release();
    } catch (IOException e) {
      // The channel's end releases it too.
    }
    close(channel);
  }

  private static void close(FileChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }
}
