package dev.loupe.sae.corpus;

import dev.loupe.sae.format.Folders;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.HexFormat;

/** Takes rows one after another and writes a corpus folder's files. For one thread. */
final class CorpusWriter implements AutoCloseable {
  static final int MAX_ROWS = 100_000_000;

  private final Path folder;
  private final FileChannel tokens;
  private final MessageDigest digest = Folders.sha256();
  private final ByteBuffer buffer = ByteBuffer.allocate(1 << 18).order(ByteOrder.LITTLE_ENDIAN);
  private final byte[] length = new byte[Integer.BYTES];
  private long[] offsets = new long[1024];
  private int rows;
  private int longest;

  CorpusWriter(Path folder) throws IOException {
    this.folder = folder;
    this.tokens =
        FileChannel.open(
            folder.resolve(CorpusFiles.TOKENS),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE);
  }

  void add(int[] ids) throws IOException {
    if (rows + 2 > offsets.length) {
      offsets = Arrays.copyOf(offsets, offsets.length * 2);
    }
    offsets[rows + 1] = offsets[rows] + ids.length;
    rows++;
    longest = Math.max(longest, ids.length);
    ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).putInt(ids.length);
    digest.update(length);
    for (int id : ids) {
      if (!buffer.hasRemaining()) {
        flush();
      }
      int at = buffer.position();
      buffer.putInt(id);
      digest.update(buffer.array(), at, Integer.BYTES);
    }
  }

  int rows() {
    return rows;
  }

  CorpusDescription finish(String id, String model, String modelSha256) throws IOException {
    flush();
    CorpusFiles.writeOffsets(folder, offsets, rows + 1);
    CorpusDescription description =
        new CorpusDescription(
            id,
            model,
            modelSha256,
            rows,
            offsets[rows],
            longest,
            HexFormat.of().formatHex(digest.digest()),
            Instant.now().truncatedTo(ChronoUnit.MILLIS));
    CorpusFiles.writeDescription(folder, description);
    return description;
  }

  private void flush() throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      tokens.write(buffer);
    }
    buffer.clear();
  }

  @Override
  public void close() throws IOException {
    tokens.close();
  }
}
