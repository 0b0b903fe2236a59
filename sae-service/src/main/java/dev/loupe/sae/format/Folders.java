package dev.loupe.sae.format;

import dev.loupe.server.files.DurableFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Folders that appear and go whole or not at all, on the disk when it is said so, and what is asked
 * of folders of them.
 */
public final class Folders {
  private static final String PARTIAL = ".partial-";

  /** Fills a new folder. */
  @FunctionalInterface
  public interface Body {
    void writeTo(Path folder) throws IOException;
  }

  private Folders() {}

  /**
   * Writes a folder beside its place and renames it there. When this throws, nothing is left.
   *
   * @param target does not exist yet
   */
  public static void writeWhole(Path target, Body body) throws IOException {
    Path folder = partial(target);
    DurableFiles.createFolders(folder);
    try {
      body.writeTo(folder);
      DurableFiles.syncTree(folder);
      DurableFiles.move(folder, target);
    } finally {
      deleteRecursively(folder);
    }
  }

  /**
   * Deletes a folder: first it is renamed, so that nobody sees a part of it, not even after a
   * crash.
   */
  public static void deleteWhole(Path target) throws IOException {
    Path doomed = partial(target);
    DurableFiles.move(target, doomed);
    deleteRecursively(doomed);
  }

  /** A name beside the target that listings leave out. */
  private static Path partial(Path target) {
    return target.resolveSibling(PARTIAL + target.getFileName() + "-" + UUID.randomUUID());
  }

  /** Removes what a process that was killed left half written. */
  public static void removePartial(Path root) throws IOException {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(root, PARTIAL + "*")) {
      for (Path folder : left) {
        deleteRecursively(folder);
      }
    }
  }

  /** Names of the folders below this one, sorted, but for hidden ones. */
  public static List<String> names(Path root) throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(root, Files::isDirectory)) {
      for (Path folder : folders) {
        String name = folder.getFileName().toString();
        if (!name.startsWith(".")) {
          names.add(name);
        }
      }
    }
    Collections.sort(names);
    return names;
  }

  /** Deletes a folder with what it holds; deleting none is no error. */
  static void deleteRecursively(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    List<Path> all;
    try (Stream<Path> walk = Files.walk(folder)) {
      all = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path path : all) {
      Files.deleteIfExists(path);
    }
  }

  /** SHA-256 of a file, lower-case hexadecimal. */
  public static String sha256(Path file) throws IOException {
    MessageDigest digest = sha256();
    try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
      byte[] buffer = new byte[1 << 16];
      while (in.read(buffer) >= 0) {
        continue;
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** A fresh SHA-256. */
  public static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
