package dev.loupe.standalone.embedded;

import dev.loupe.server.files.DurableFiles;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Where one Loupe keeps what it makes, held by a lock so that no second one writes into it. While
 * it serves, its gateway's address stands in there.
 */
final class DataFolder implements AutoCloseable {
  private static final String LOCK = "loupe.lock";
  private static final String ADDRESS = "loupe.address";

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
      DurableFiles.createFolders(folder);
      channel =
          FileChannel.open(
              folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
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

  /** Where the gateway of the Loupe that holds a folder can be reached; empty when none does. */
  static Optional<InetSocketAddress> serving(Path folder) {
    try {
      // A Loupe that was killed left its address, but holds no lock.
      if (!Files.exists(folder.resolve(ADDRESS)) || !held(folder.resolve(LOCK))) {
        return Optional.empty();
      }
      String address = Files.readString(folder.resolve(ADDRESS)).strip();
      int colon = address.lastIndexOf(':');
      return Optional.of(
          new InetSocketAddress(
              address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))));
    } catch (IOException | IllegalArgumentException | IndexOutOfBoundsException e) {
      return Optional.empty();
    }
  }

  private static boolean held(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      return lock == null;
    } catch (OverlappingFileLockException e) {
      return true;
    }
  }

  /**
   * Writes down where the gateway of the Loupe that holds this folder can be reached.
   *
   * @throws StartException if it cannot be written
   */
  void serve(String host, int port) {
    try {
      DurableFiles.write(
          folder.resolve(ADDRESS), (host + ":" + port + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new StartException("the folder " + folder + " cannot be written (" + e + ")", e);
    }
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
      Files.deleteIfExists(folder.resolve(ADDRESS));
      lock.release();
    } catch (IOException e) {
      // The channel's end releases the lock too, and without it the address means nothing.
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
