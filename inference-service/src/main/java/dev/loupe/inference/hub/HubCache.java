package dev.loupe.inference.hub;

import dev.loupe.server.files.DurableFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * One repository in the cache: {@code blobs/} holds contents by hash, {@code snapshots/COMMIT/} the
 * files of a commit as links to them, {@code refs/} the commit that a branch stood for.
 */
final class HubCache {
  private final Path root;

  HubCache(Path cache, String repository) {
    this.root = cache.resolve("models--" + repository.replace("/", "--"));
  }

  Path blob(ContentHash hash) {
    return root.resolve("blobs").resolve(hash.hex());
  }

  /**
   * Where a content is put together; kept over a failure, so that the next try goes on from there.
   */
  Path incomplete(ContentHash hash) {
    return root.resolve("blobs").resolve(hash.hex() + ".incomplete");
  }

  Path snapshot(String commit) {
    return root.resolve("snapshots").resolve(commit);
  }

  /** The commit that a revision stood for when it was last looked up. */
  Optional<String> commit(String revision) throws IOException {
    if (Files.isDirectory(snapshot(revision))) {
      return Optional.of(revision);
    }
    Path ref = root.resolve("refs").resolve(revision);
    return Files.isRegularFile(ref)
        ? Optional.of(Files.readString(ref).strip()).filter(HubCache::isCommit)
        : Optional.empty();
  }

  void rememberCommit(String revision, String commit) throws IOException {
    if (!revision.equals(commit)) {
      Path ref = root.resolve("refs").resolve(revision);
      DurableFiles.write(ref, commit.getBytes(StandardCharsets.US_ASCII));
    }
  }

  /** Makes a snapshot's file of a blob. */
  Path link(String commit, String name, Path blob) throws IOException {
    Path file = snapshot(commit).resolve(name);
    Files.createDirectories(file.getParent());
    if (Files.exists(file)) {
      return file;
    }
    Files.deleteIfExists(file); // a link whose blob is gone
    try {
      Files.createSymbolicLink(file, file.getParent().relativize(blob));
    } catch (FileAlreadyExistsException e) {
      return file; // another process made it meanwhile
    } catch (UnsupportedOperationException | FileSystemException e) {
      Files.copy(blob, file, StandardCopyOption.REPLACE_EXISTING); // a disk without links
    }
    return file;
  }

  static boolean isCommit(String text) {
    return text.matches("[0-9a-f]{40}");
  }
}
