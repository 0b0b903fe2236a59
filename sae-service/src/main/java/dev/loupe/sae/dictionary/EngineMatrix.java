package dev.loupe.sae.dictionary;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.loupe.tensor.EngineMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * A matrix in memory that Java and the engine both see, so that nothing is copied when an array is
 * made over it.
 */
final class EngineMatrix {
  private final int rows;
  private final int columns;
  private final ByteBuffer memory;

  EngineMatrix(int rows, int columns) {
    this.rows = rows;
    this.columns = columns;
    this.memory =
        EngineMemory.allocate(Math.multiplyExact(Math.multiplyExact(rows, columns), Float.BYTES));
  }

  /** Copies values in, from the matrix's start. */
  void set(float[] values, int offset, int count) {
    floats().put(0, values, offset, count);
  }

  /** A view of the elements with a position of its own. */
  FloatBuffer floats() {
    return memory.duplicate().order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  /** Some rows as an array over this memory; valid while the manager is open. */
  NDArray rows(NDManager manager, int first, int count) {
    int rowBytes = columns * Float.BYTES;
    ByteBuffer part =
        memory.slice(first * rowBytes, count * rowBytes).order(ByteOrder.nativeOrder());
    return manager.create(part, new Shape(count, columns), DataType.FLOAT32);
  }

  /** The first rows as an array over this memory; valid while the manager is open. */
  NDArray array(NDManager manager, int firstRows) {
    return rows(manager, 0, firstRows);
  }

  /** The whole matrix as an array over this memory; valid while the manager is open. */
  NDArray array(NDManager manager) {
    return array(manager, rows);
  }
}
