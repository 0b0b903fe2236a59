package dev.loupe.tensor;

import java.io.Closeable;
import java.io.IOException;
import java.util.Map;
import java.util.Set;

/** Named tensors that can be read one at a time: one safetensors file, or a set of shards. */
public interface TensorSource extends Closeable {
  /** The names, in the order of the files. */
  Set<String> names();

  /** True when a tensor of this name exists. */
  default boolean contains(String name) {
    return names().contains(name);
  }

  /** What the files say of themselves, {@code __metadata__}; empty when they say nothing. */
  Map<String, String> metadata();

  /**
   * The shape of a tensor, without reading it.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   */
  long[] shape(String name);

  /**
   * The element type of a tensor, without reading it.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   */
  ElementType type(String name);

  /**
   * Reads a tensor into memory of its own, which begins at a multiple of 64 bytes.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   * @throws SafetensorsException when the tensor is over 2 GiB, or the file was cut short since it
   *     was opened
   */
  HostTensor read(String name) throws IOException;

  /**
   * Reads every byte once, from the start of each file to its end, files in the order of their
   * names: so the hash is that of what was read, whatever happens to the files meanwhile.
   *
   * @param visitor shown each tensor; what it throws ends the reading
   * @return SHA-256 over the files' bytes, one file after another, lower-case hexadecimal
   * @throws SafetensorsException when a file was cut short or written to since it was opened
   */
  String readAll(TensorVisitor visitor) throws IOException;
}
