package dev.loupe.tensor;

import java.io.Closeable;
import java.io.IOException;
import java.util.Set;

/** Named tensors that can be read one at a time: one safetensors file, or a set of shards. */
public interface TensorSource extends Closeable {

  /** The names, in the order of the files. */
  Set<String> names();

  /** True when a tensor of this name exists. */
  default boolean contains(String name) {
    return names().contains(name);
  }

  /**
   * The shape of a tensor, without reading it.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   */
  long[] shape(String name);

  /**
   * A tensor as memory mapped from the file: nothing is copied, and it stays valid after this
   * source is closed. The memory is read-only: an array over it must never be changed in place.
   *
   * @throws IllegalArgumentException when there is no tensor of this name
   * @throws SafetensorsException when the tensor is over 2 GiB
   */
  HostTensor read(String name) throws IOException;
}
