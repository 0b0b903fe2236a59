package dev.loupe.tensor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;

/**
 * One safetensors file, opened and checked. Tensors are mapped one at a time, so a file may be
 * larger than 2 GiB.
 */
public final class SafetensorsFile implements TensorSource {
  private final Path file;
  private final FileChannel channel;
  private final SafetensorsHeader header;

  private SafetensorsFile(Path file, FileChannel channel, SafetensorsHeader header) {
    this.file = file;
    this.channel = channel;
    this.header = header;
  }

  /**
   * Opens a file and checks its header against every rule of the format.
   *
   * @throws SafetensorsException when the file breaks one, naming it
   */
  public static SafetensorsFile open(Path file) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      return new SafetensorsFile(file, channel, SafetensorsHeader.read(file, channel));
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public Set<String> names() {
    return header.entries().keySet();
  }

  /** The file's {@code __metadata__}; empty when it has none. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  @Override
  public long[] shape(String name) {
    return entry(name).shape().clone();
  }

  @Override
  public ElementType type(String name) {
    return entry(name).type();
  }

  @Override
  public void readBytes(String name, long offset, ByteBuffer target) throws IOException {
    SafetensorsHeader.Entry entry = entry(name);
    long begin = entry.begin() + offset;
    if (offset < 0 || begin + target.remaining() > entry.end()) {
      throw new IllegalArgumentException(
          "tensor '%s' has no bytes %d to %d".formatted(name, offset, offset + target.remaining()));
    }
    long start = header.dataStart() + begin - target.position();
    while (target.hasRemaining()) {
      if (channel.read(target, start + target.position()) < 0) {
        throw new SafetensorsException(file, "was cut short while it was read");
      }
    }
  }

  @Override
  public HostTensor read(String name) throws IOException {
    SafetensorsHeader.Entry entry = entry(name);
    long bytes = entry.end() - entry.begin();
    if (bytes > Integer.MAX_VALUE) {
      throw new SafetensorsException(
          file, "tensor '%s' has %d bytes; at most 2 GiB can be mapped".formatted(name, bytes));
    }
    MappedByteBuffer mapped =
        channel.map(FileChannel.MapMode.READ_ONLY, header.dataStart() + entry.begin(), bytes);
    return new HostTensor(entry.type(), entry.shape(), mapped);
  }

  private SafetensorsHeader.Entry entry(String name) {
    SafetensorsHeader.Entry entry = header.entries().get(name);
    if (entry == null) {
      throw new IllegalArgumentException(file.getFileName() + " has no tensor '" + name + "'");
    }
    return entry;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
