package dev.loupe.tensor;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;

/**
 * The PyTorch engine of this process, started once with Loupe's settings: nothing is downloaded,
 * one inter-op thread, and TorchScript without the profiling executor, which would re-specialise
 * for every new shape.
 */
public final class TensorEngine {
  private static final String NAME = "PyTorch";
  private static final EngineThreads THREADS = new EngineThreads();

  private TensorEngine() {}

  /**
   * Starts the engine unless it runs already. The settings of the first call in a process count.
   *
   * @param threads threads that one operation may use; 0 for all cores
   */
  public static synchronized void start(int threads) {
    if (threads < 0) {
      throw new IllegalArgumentException("threads is " + threads + "; expected 0 or more");
    }
    setDefault("ai.djl.offline", "true");
    setDefault("ai.djl.pytorch.graph_optimizer", "false");
    setDefault("ai.djl.pytorch.num_interop_threads", "1");
    int intraOp = threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
    setDefault("ai.djl.pytorch.num_threads", Integer.toString(intraOp));
    Engine.getEngine(NAME);
  }

  /**
   * A manager for arrays that live as long as it: close it to free them. It has no parent but the
   * engine's own. Arrays lie on the engine's default device: the first GPU where the native library
   * knows one, else the CPU.
   */
  public static NDManager newManager() {
    start(0);
    return Engine.getEngine(NAME).newBaseManager();
  }

  /** The thread for work that keeps the cores busy; short work may be done on any thread. */
  public static EngineThreads threads() {
    return THREADS;
  }

  /**
   * Has the engine add three numbers.
   *
   * @throws IllegalStateException when the sum is wrong; what the engine throws when it cannot
   */
  public static void check() {
    try (NDManager arrays = newManager()) {
      float sum = NdArrays.of(arrays, new float[] {1, 2, 4}).sum().getFloat();
      if (sum != 7) {
        throw new IllegalStateException("the engine says that 1 + 2 + 4 is " + sum);
      }
    }
  }

  /** The engine's name and version, for example {@code PyTorch 2.7.1}. */
  public static String version() {
    start(0);
    return NAME + " " + Engine.getEngine(NAME).getVersion();
  }

  private static void setDefault(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }
}
