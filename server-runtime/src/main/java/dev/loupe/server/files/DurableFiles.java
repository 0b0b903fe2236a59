package dev.loupe.server.files;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Changes to files that outlive a power cut once they have returned: a file is forced to the disk,
 * and so is the folder that names it. A reader sees the old content or the new, never a part.
 */
public final class DurableFiles {
  private static final String PARTIAL = ".partial";
  private static final boolean WINDOWS = File.separatorChar == '\\';

  /** Writes the content into the channel, which is at its start. */
  @FunctionalInterface
  public interface Body {
    /** Writes. */
    void writeTo(FileChannel channel) throws IOException;
  }

  private DurableFiles() {}

  /**
   * Replaces the file's content, making its folder if need be. When this throws, the file is as it
   * was and nothing is left beside it.
   */
  public static void write(Path target, Body body) throws IOException {
    Path folder = target.toAbsolutePath().getParent();
    createFolders(folder);
    // Not createTempFile: the file must get the permissions of any other, not its owner's alone.
    Path temporary = folder.resolve("." + target.getFileName() + "." + UUID.randomUUID() + PARTIAL);
    try {
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        body.writeTo(channel);
        channel.force(true);
      }
      move(temporary, target);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /** Replaces the file's content with these bytes. */
  public static void write(Path target, byte[] content) throws IOException {
    write(
        target,
        channel -> {
          ByteBuffer buffer = ByteBuffer.wrap(content);
          while (buffer.hasRemaining()) {
            channel.write(buffer);
          }
        });
  }

  /**
   * Renames a file, whose content is on the disk already, or a folder; a file that is there is
   * replaced.
   */
  public static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
    Path target = to.toAbsolutePath().getParent();
    Path source = from.toAbsolutePath().getParent();
    syncFolder(target);
    if (!source.equals(target)) {
      syncFolder(source);
    }
  }

  /** Deletes a file, if it is there. */
  public static void deleteIfExists(Path file) throws IOException {
    if (Files.deleteIfExists(file)) {
      syncFolder(file.toAbsolutePath().getParent());
    }
  }

  /** Removes from a folder, if it is there, what writes left in it that were cut short. */
  public static void removePartial(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (DirectoryStream<Path> left = Files.newDirectoryStream(folder, ".*" + PARTIAL)) {
      for (Path file : left) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** Makes a folder and those above it, where they are not there. */
  public static void createFolders(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    Path parent = folder.toAbsolutePath().getParent();
    if (parent != null) {
      createFolders(parent);
    }
    Files.createDirectories(folder);
    if (parent != null) {
      syncFolder(parent);
    }
  }

  /** Forces to the disk all that is in a folder, and the folder. */
  public static void syncTree(Path folder) throws IOException {
    List<Path> all;
    try (Stream<Path> walk = Files.walk(folder)) {
      all = walk.toList();
    }
    for (Path path : all) {
      if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        syncFolder(path);
      } else if (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
          channel.force(true);
        }
      }
    }
  }

  private static void syncFolder(Path folder) throws IOException {
    if (WINDOWS) {
      // It cannot open a folder; there a rename is as durable as it gets.
      return;
    }
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Some file systems cannot force a folder, and say so with EINVAL.
      if (!String.valueOf(e.getMessage()).contains("Invalid argument")) {
        throw e;
      }
    }
  }
}
