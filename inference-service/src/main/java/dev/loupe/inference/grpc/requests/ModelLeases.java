package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.serving.ModelLease;
import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.inference.serving.ServedModel;
import io.grpc.Context;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * The models that the running call uses: they stay in memory until its handler has ended, whatever
 * happens to them meanwhile. A call that names a model twice gets the same one twice.
 */
public final class ModelLeases implements AutoCloseable {
  private static final Context.Key<ModelLeases> CURRENT = Context.key("loupe-model-leases");

  private final Map<String, ModelLease> leases = new HashMap<>();

  private ModelLeases() {}

  /** Runs a call's handler, and gives its models back when it has ended. */
  public static void around(Callable<Void> handler) throws Exception {
    try (ModelLeases leases = new ModelLeases()) {
      Context.current().withValue(CURRENT, leases).call(handler);
    }
  }

  /** The leases of the running call. */
  static ModelLeases current() {
    ModelLeases leases = CURRENT.get();
    if (leases == null) {
      throw new IllegalStateException("only a call's own thread may use a model");
    }
    return leases;
  }

  synchronized ServedModel use(ModelRegistry registry, String id) {
    return leases.computeIfAbsent(id, registry::lease).model();
  }

  @Override
  public synchronized void close() {
    leases.values().forEach(ModelLease::close);
    leases.clear();
  }
}
