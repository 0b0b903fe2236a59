package dev.loupe.sae.corpus;

import dev.loupe.server.errors.StorageErrors;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A stored corpus, open for reading. Only the rows' offsets are held in memory. Safe for many
 * threads.
 */
public final class Corpus implements AutoCloseable {
  private static final long MOST_BEGINNINGS = 100_000;

  private final CorpusDescription description;
  private final FileChannel tokens;
  private final long[] offsets;

  private Corpus(CorpusDescription description, FileChannel tokens, long[] offsets) {
    this.description = description;
    this.tokens = tokens;
    this.offsets = offsets;
  }

  static Corpus open(CorpusDescription description, Path folder) throws IOException {
    long[] offsets = CorpusFiles.readOffsets(folder, description.rows());
    return new Corpus(
        description,
        FileChannel.open(folder.resolve(CorpusFiles.TOKENS), StandardOpenOption.READ),
        offsets);
  }

  /** What is known of it. */
  public CorpusDescription description() {
    return description;
  }

  /** Number of rows. */
  public long rows() {
    return description.rows();
  }

  /** Number of tokens in a row. */
  public int length(long row) {
    return (int) (offsets[(int) row + 1] - offsets[(int) row]);
  }

  /**
   * Whether rows begin with this token: all of them, or a hundred thousand from everywhere in a
   * larger corpus.
   *
   * @throws dev.loupe.server.errors.LoupeException STORAGE_UNAVAILABLE
   */
  public boolean beginsWith(int token) {
    long looked = Math.min(rows(), MOST_BEGINNINGS);
    for (long i = 0; i < looked; i++) {
      if (row(i * rows() / looked)[0] != token) {
        return false;
      }
    }
    return true;
  }

  /**
   * The ids of a row.
   *
   * @throws dev.loupe.server.errors.LoupeException STORAGE_UNAVAILABLE
   */
  public int[] row(long row) {
    int[] ids = new int[length(row)];
    ByteBuffer bytes =
        ByteBuffer.allocate(ids.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    long position = offsets[(int) row] * Integer.BYTES;
    try {
      while (bytes.hasRemaining()) {
        int read = tokens.read(bytes, position + bytes.position());
        if (read < 0) {
          throw new EOFException("corpus " + description.id() + " ends within row " + row);
        }
      }
    } catch (IOException e) {
      throw StorageErrors.of("corpus " + description.id(), e);
    }
    bytes.flip().asIntBuffer().get(ids);
    return ids;
  }

  @Override
  public void close() {
    try {
      tokens.close();
    } catch (IOException e) {
      throw StorageErrors.of("corpus " + description.id(), e);
    }
  }
}
