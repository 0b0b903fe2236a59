package dev.loupe.inference.serving;

import dev.loupe.tensor.ShardedSafetensors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** Names a model by the content of its weight files. */
final class WeightsHash {
  private WeightsHash() {}

  /** SHA-256 over the single weight file, or over all shards in the order of their names. */
  static String of(Path folder, LoadWatcher watcher) throws IOException {
    long total = 0;
    for (Path file : files(folder)) {
      total += Files.size(file);
    }
    long done = 0;
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
    byte[] buffer = new byte[1 << 18];
    for (Path file : files(folder)) {
      try (InputStream in = Files.newInputStream(file)) {
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
          digest.update(buffer, 0, read);
          done += read;
          watcher.onStep("hashing the weights", done, total);
        }
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static List<Path> files(Path folder) throws IOException {
    Path single = folder.resolve(ShardedSafetensors.SINGLE);
    if (Files.exists(single)) {
      return List.of(single);
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(file -> file.getFileName().toString().endsWith(".safetensors"))
          .sorted()
          .toList();
    }
  }
}
