package dev.loupe.tensor;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * One safetensors file, opened and checked. Everything that is read is copied into memory of its
 * own, never mapped: a mapped file that is written over changes what was read, and one that is cut
 * short ends the process.
 */
public final class SafetensorsFile implements TensorSource {
  private final Path file;
  private final FileChannel channel;
  private final BasicFileAttributes opened;
  private final SafetensorsHeader header;

  private SafetensorsFile(
      Path file, FileChannel channel, BasicFileAttributes opened, SafetensorsHeader header) {
    this.file = file;
    this.channel = channel;
    this.opened = opened;
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
      BasicFileAttributes opened = attributes(file);
      return new SafetensorsFile(file, channel, opened, SafetensorsHeader.read(file, channel));
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public Set<String> names() {
    return header.entries().keySet();
  }

  @Override
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
  public HostTensor read(String name) throws IOException {
    SafetensorsHeader.Entry entry = entry(name);
    long bytes = entry.end() - entry.begin();
    if (bytes > Integer.MAX_VALUE - EngineMemory.LINE_BYTES) {
      throw new SafetensorsException(
          file, "tensor '%s' has %d bytes; at most 2 GiB are read at once".formatted(name, bytes));
    }
    ByteBuffer memory = EngineMemory.allocate((int) bytes);
    at(entry).next(memory);
    return new HostTensor(entry.type(), entry.shape(), memory.flip());
  }

  /**
   * A tensor's numbers, widened or rounded to F32, row-major; no other memory is taken.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   * @throws SafetensorsException when they are more than an array holds, or the file was cut short
   *     since it was opened
   */
  public float[] floats(String name) throws IOException {
    SafetensorsHeader.Entry entry = entry(name);
    return new TensorStream(entry.type(), entry.shape(), at(entry)).readFloats();
  }

  private FileBytes at(SafetensorsHeader.Entry entry) {
    return new FileBytes(file, channel, header.dataStart() + entry.begin(), read -> {});
  }

  @Override
  public String readAll(TensorVisitor visitor) throws IOException {
    Sha256 hash = new Sha256();
    readAll(visitor, hash);
    return hash.hex();
  }

  void readAll(TensorVisitor visitor, Sha256 hash) throws IOException {
    hash.update(header.bytes().duplicate());
    FileBytes bytes = new FileBytes(file, channel, header.dataStart(), hash::update);
    for (SafetensorsHeader.Entry entry : header.inOrder()) {
      TensorStream tensor = new TensorStream(entry.type(), entry.shape(), bytes);
      visitor.visit(entry.name(), tensor);
      tensor.skipRest();
    }
    requireUnchanged();
  }

  /** A file that was put in this one's place is another: what was read is then whole. */
  private void requireUnchanged() throws IOException {
    BasicFileAttributes now;
    try {
      now = attributes(file);
    } catch (NoSuchFileException e) {
      return;
    }
    if (Objects.equals(now.fileKey(), opened.fileKey())
        && !now.lastModifiedTime().equals(opened.lastModifiedTime())) {
      throw new SafetensorsException(
          file, "was written to while it was read; try again when it is whole");
    }
  }

  private static BasicFileAttributes attributes(Path file) throws IOException {
    return Files.readAttributes(file, BasicFileAttributes.class);
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
