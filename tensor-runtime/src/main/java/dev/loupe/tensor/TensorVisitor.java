package dev.loupe.tensor;

import java.io.IOException;

/** Takes tensors one after another, while their files are read. */
@FunctionalInterface
public interface TensorVisitor {
  /**
   * The next tensor in the files' order. What is not read of it is passed over.
   *
   * @param tensor its elements, for the time of this call
   */
  void visit(String name, TensorStream tensor) throws IOException;
}
