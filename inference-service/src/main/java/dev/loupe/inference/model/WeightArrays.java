package dev.loupe.inference.model;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.TensorSource;
import dev.loupe.tensor.TensorStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A model's weights, read from their files in one go into arrays that own their memory. */
final class WeightArrays {
  private final TensorNames names;
  private final TensorSource source;
  private final NDManager manager;
  private final LoadListener listener;
  private final long totalBytes;
  private final Map<String, NDArray> arrays = new HashMap<>(); // by key
  private final Set<String> taken = new HashSet<>(); // keys
  private long doneBytes;

  /**
   * @param totalBytes that the listener is told of
   */
  WeightArrays(
      TensorNames names,
      TensorSource source,
      NDManager manager,
      LoadListener listener,
      long totalBytes) {
    this.names = names;
    this.source = source;
    this.manager = manager;
    this.listener = listener;
    this.totalBytes = totalBytes;
  }

  /**
   * Checks all tensors against the config, then reads them.
   *
   * @return SHA-256 of what was read
   * @throws ModelLoadException when a tensor is missing, misshapen or no part of the model, or when
   *     two that should be one differ
   */
  String read() throws IOException {
    names.requireNoOthers();
    Set<String> wanted = new HashSet<>();
    for (Map.Entry<String, long[]> tensor : names.shapes().entrySet()) {
      requireShape(tensor.getKey(), tensor.getValue());
      wanted.add(names.key(tensor.getKey()));
    }
    return source.readAll(
        (name, tensor) -> {
          if (wanted.contains(names.key(name))) {
            keep(name, tensor);
          }
        });
  }

  /** An array; the same one under all names of it. */
  NDArray get(String name) {
    return arrays.get(names.key(name));
  }

  /** An array to be changed in place: under each name one of its own. */
  NDArray own(String name) {
    NDArray array = get(name);
    if (taken.add(names.key(name))) {
      return array;
    }
    count(array.size());
    return array.duplicate();
  }

  private void keep(String name, TensorStream tensor) throws IOException {
    String key = names.key(name);
    NDArray there = arrays.get(key);
    if (there == null) {
      arrays.put(key, NdArrays.filled(manager, new Shape(tensor.shape()), tensor::readFloats));
      count(HostTensor.elements(tensor.shape()));
    } else if (!tensor.hasFloats(NdArrays.view(there).data())) {
      throw new ModelLoadException(
          "tie_word_embeddings is true, but tensor '%s' is not '%s'; expected the same values, none, or tie_word_embeddings false"
              .formatted(TensorNames.HEAD, key));
    }
  }

  private void count(long elements) {
    doneBytes += Float.BYTES * elements;
    listener.onBytes(doneBytes, totalBytes);
  }

  private void requireShape(String name, long[] shape) throws ModelLoadException {
    String key = names.key(name);
    List<String> stored =
        source.names().stream().filter(other -> names.key(other).equals(key)).toList();
    if (stored.isEmpty()) {
      throw new ModelLoadException(
          "the weights have no tensor '%s'; expected shape %s"
              .formatted(name, Arrays.toString(shape)));
    }
    for (String found : stored) {
      requireShape(found, source.shape(found), shape);
      ElementType type = source.type(found);
      if (!type.isFloating()) {
        throw new ModelLoadException(
            "tensor '%s' holds %s; expected F32, F16, BF16 or F64".formatted(found, type));
      }
    }
    if (HostTensor.elements(shape) > Integer.MAX_VALUE / Float.BYTES) {
      throw new ModelLoadException(
          "tensor '%s' has shape %s; expected at most 2 GiB in float32"
              .formatted(name, Arrays.toString(shape)));
    }
  }

  private static void requireShape(String name, long[] found, long[] expected)
      throws ModelLoadException {
    if (!Arrays.equals(found, expected)) {
      throw new ModelLoadException(
          "tensor '%s' has shape %s; the config expects %s"
              .formatted(name, Arrays.toString(found), Arrays.toString(expected)));
    }
  }
}
