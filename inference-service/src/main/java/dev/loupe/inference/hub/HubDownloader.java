package dev.loupe.inference.hub;

import dev.loupe.inference.hub.HubException.Kind;
import dev.loupe.server.files.DurableFiles;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Brings one file into the cache: resumes, checks size and hash, and shows it only when it is
 * whole.
 */
final class HubDownloader {
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(100);

  /** Of the whole process, as file locks are: a second one on a file is an error, not a wait. */
  private static final Set<Path> UNDER_WAY = ConcurrentHashMap.newKeySet();

  private final HubSettings settings;
  private final HubHttp http;
  private final DownloadProgress progress;

  HubDownloader(HubSettings settings, HubHttp http, DownloadProgress progress) {
    this.settings = settings;
    this.http = http;
    this.progress = progress;
  }

  /** Gives the file's content in the cache, fetched unless it is there. */
  Path fetch(HubCache cache, RemoteFile file) throws InterruptedException {
    Path blob = cache.blob(file.hash());
    Path partial = cache.incomplete(file.hash());
    try {
      if (isWhole(blob, file)) {
        return blob;
      }
      Files.createDirectories(partial.getParent());
      // Who wants the same file in this process waits here; another process at the file lock.
      while (!UNDER_WAY.add(partial)) {
        progress.onBytes(file.name(), 0, file.size());
        Thread.sleep(LOOK_AGAIN.toMillis());
      }
      try {
        return fetch(file, partial, blob);
      } finally {
        UNDER_WAY.remove(partial);
      }
    } catch (IOException e) {
      throw new HubException(
          Kind.DISK, "cannot write %s: %s".formatted(partial, e.getMessage()), e);
    }
  }

  private Path fetch(RemoteFile file, Path partial, Path blob)
      throws IOException, InterruptedException {
    try (FileChannel out =
            FileChannel.open(partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = out.lock()) {
      if (!lock.isValid()) {
        throw new IOException("the lock on " + partial + " is lost");
      }
      if (!isWhole(blob, file)) {
        checkSpace(partial, file);
        download(file, out);
        out.force(true);
      }
    }
    return isWhole(blob, file) ? blob : publish(file, partial, blob);
  }

  private static boolean isWhole(Path blob, RemoteFile file) throws IOException {
    return Files.isRegularFile(blob) && Files.size(blob) == file.size();
  }

  private static void checkSpace(Path partial, RemoteFile file) throws IOException {
    long needed = file.size() - Files.size(partial);
    long free = Files.getFileStore(partial).getUsableSpace();
    if (needed > free) {
      throw new HubException(
          Kind.DISK,
          "%s needs %d more bytes, but the disk of %s has %d free; set HF_HOME to another disk"
              .formatted(file.name(), needed, partial.getParent(), free));
    }
  }

  private static Path publish(RemoteFile file, Path partial, Path blob) throws IOException {
    if (!file.hash().matches(partial)) {
      Files.delete(partial);
      throw new HubException(
          Kind.CORRUPT,
          "%s came with another hash than the %s that the hub announced; it was not kept"
              .formatted(file.name(), file.hash().hex()));
    }
    DurableFiles.move(partial, blob);
    return blob;
  }

  private void download(RemoteFile file, FileChannel out) throws IOException, InterruptedException {
    if (out.size() > file.size()) {
      out.truncate(0);
    }
    Duration pause = settings.pause();
    int failures = 0;
    while (out.size() < file.size()) {
      long before = out.size();
      String problem = attempt(file, out);
      if (out.size() >= file.size()) {
        break;
      }
      if (out.size() > before) {
        failures = 0;
        pause = settings.pause();
      }
      failures++;
      if (failures >= settings.attempts()) {
        throw new HubException(
            Kind.UNREACHABLE,
            "%s stopped after %d of %d bytes: %s; try again to go on from there"
                .formatted(file.name(), out.size(), file.size(), problem));
      }
      Thread.sleep(pause.toMillis());
      Duration doubled = pause.multipliedBy(2);
      pause = doubled.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : doubled;
    }
  }

  /** Fetches as much as comes; says what went wrong when that is not everything. */
  private String attempt(RemoteFile file, FileChannel out)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> response;
    try {
      response = http.get(file.location(), out.size());
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
    try (StallGuard body = new StallGuard(response.body(), settings.patience())) {
      int status = response.statusCode();
      if (status == 416 || (status == 206 && !continues(response, out.size()))) {
        out.truncate(0);
        return "the hub would not go on where the download had stopped";
      }
      if (status == 200) {
        out.truncate(0); // the hub sends the file from its beginning
      } else if (status != 206) {
        HubErrors.throwIfFinal(status, file.name(), response.headers().firstValue("X-Error-Code"));
        return "HTTP status " + status;
      }
      return copy(file, body, out);
    }
  }

  private static boolean continues(HttpResponse<?> response, long offset) {
    return response
        .headers()
        .firstValue("Content-Range")
        .filter(range -> range.startsWith("bytes " + offset + "-"))
        .isPresent();
  }

  private String copy(RemoteFile file, StallGuard body, FileChannel out) throws IOException {
    byte[] buffer = new byte[1 << 16];
    long at = out.size();
    while (true) {
      int read;
      try {
        read = body.read(buffer);
      } catch (IOException e) {
        return String.valueOf(e.getMessage());
      }
      if (read < 0) {
        return "the connection ended early";
      }
      if (at + read > file.size()) {
        out.truncate(0);
        throw new HubException(
            Kind.CORRUPT,
            "%s is longer than the %d bytes that the hub announced; it was not kept"
                .formatted(file.name(), file.size()));
      }
      ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, read);
      while (bytes.hasRemaining()) {
        at += out.write(bytes, at);
      }
      progress.onBytes(file.name(), at, file.size());
    }
  }
}
