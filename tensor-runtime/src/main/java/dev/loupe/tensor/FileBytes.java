package dev.loupe.tensor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.function.Consumer;

/** A file's bytes from one place on, each read once. */
final class FileBytes {
  private final Path file;
  private final FileChannel channel;
  private final Consumer<ByteBuffer> listener;
  private long position;

  /**
   * @param position of the first
   * @param listener given all bytes, as they were read
   */
  FileBytes(Path file, FileChannel channel, long position, Consumer<ByteBuffer> listener) {
    this.file = file;
    this.channel = channel;
    this.position = position;
    this.listener = listener;
  }

  /**
   * Fills the target from its position to its limit.
   *
   * @throws SafetensorsException when the file has no more
   */
  void next(ByteBuffer target) throws IOException {
    ByteBuffer read = target.duplicate();
    while (target.hasRemaining()) {
      int count = channel.read(target, position);
      if (count < 0) {
        throw refused("was cut short while it was read");
      }
      position += count;
    }
    listener.accept(read);
  }

  /** Says what is wrong with the file. */
  SafetensorsException refused(String problem) {
    return new SafetensorsException(file, problem);
  }
}
