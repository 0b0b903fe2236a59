package dev.loupe.inference.serving;

import dev.loupe.inference.captures.CacheSpace;
import dev.loupe.inference.hub.ModelHub;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.threads.NamedThreads;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads models into a registry: those of the start one after another, others while the server runs.
 * Callers that want the same model at the same time share one load, which ends when the last of
 * them is gone.
 */
public final class ModelLoads implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ModelLoads.class);

  /** More than are read at once: a download that takes long is in nobody's way. */
  private static final int AT_ONCE = 18;

  private final ModelOpener opener;
  private final ModelRegistry registry;
  private final WeightsBudget budget;
  private final ThreadPoolExecutor threads = NamedThreads.poolWithoutQueue("model-load", AT_ONCE);
  private final Map<String, ModelLoad> running = new HashMap<>(); // guarded by this

  /**
   * @param opener loads one
   * @param registry gets them
   * @param weightBytes that all models' weights may take together
   */
  ModelLoads(ModelOpener opener, ModelRegistry registry, long weightBytes) {
    this.opener = opener;
    this.registry = registry;
    this.budget = new WeightsBudget(weightBytes);
  }

  /**
   * Loads that find files through a hub.
   *
   * @param cacheSpace for what the models' runs leave on the server
   */
  public ModelLoads(ModelHub hub, CacheSpace cacheSpace, ModelRegistry registry, long weightBytes) {
    this(new ModelOpener(hub, cacheSpace), registry, weightBytes);
  }

  /**
   * Loads the models that the operator named, whatever memory they take. All, or none.
   *
   * @throws LoupeException UNREADABLE_MODEL, SERVICE_UNAVAILABLE when a hub cannot be reached,
   *     STORAGE_FULL, or INVALID_VALUE when two models have one id
   */
  public void loadAll(List<ModelSpec> specs) {
    Set<String> ids = new HashSet<>();
    for (ModelSpec spec : specs) {
      if (!ids.add(spec.id())) {
        throw LoupeException.invalidValue(
            "model", spec.id(), "each model an id of its own, as in id=" + spec.id());
      }
    }
    try {
      specs.forEach(spec -> load(spec, true, LoadWatcher.NONE));
    } catch (RuntimeException e) {
      registry.close(Duration.ZERO);
      throw e;
    }
  }

  /**
   * Begins to load a model, or joins those who do.
   *
   * @return how it goes; to be closed when nobody looks any more
   * @throws LoupeException MODEL_EXISTS when the id belongs to a model of another source or form;
   *     QUEUE_FULL when too many loads wait
   */
  public synchronized ModelLoad.Watch start(ModelSpec spec) {
    Optional<ServedModel> there = registry.find(spec.id());
    if (there.isPresent()) {
      if (!there.get().spec().equals(spec)) {
        throw ModelRegistry.exists(spec.id());
      }
      return ModelLoad.done(there.get()).watch();
    }
    ModelLoad load = running.get(spec.id());
    if (load != null && load.spec().equals(spec)) {
      Optional<ModelLoad.Watch> joined = load.join();
      if (joined.isPresent()) {
        return joined.get();
      }
    } else if (load != null && !load.isAbandoned()) {
      throw ModelRegistry.exists(spec.id());
    }
    ModelLoad fresh = new ModelLoad(spec);
    ModelLoad.Watch watch = fresh.watch();
    running.put(spec.id(), fresh);
    try {
      threads.execute(() -> run(fresh));
    } catch (RejectedExecutionException e) {
      running.remove(spec.id(), fresh);
      throw LoupeException.of(
          ErrorReason.QUEUE_FULL,
          "%d models are being loaded or wait for it already; try again later".formatted(AT_ONCE),
          e);
    }
    return watch;
  }

  private void run(ModelLoad load) {
    try {
      load.onStep("waiting for its turn", 0, 0);
      load.finish(load(load.spec(), false, load), () -> forget(load));
    } catch (RuntimeException | Error e) {
      forget(load);
      load.fail(e);
    }
  }

  private synchronized void forget(ModelLoad load) {
    running.remove(load.spec().id(), load);
  }

  private ServedModel load(ModelSpec spec, boolean forced, LoadWatcher watcher) {
    Admission admission = new Admission(spec, budget, forced);
    ServedModel model = null;
    try {
      model = opener.open(spec, admission, watcher);
      ServedModel serving = registry.add(model, admission::revoke);
      if (!serving.equals(model)) {
        model.close();
        admission.revoke();
      }
      return serving;
    } catch (RuntimeException | Error e) {
      if (model != null) {
        model.close();
      }
      admission.revoke();
      throw e;
    }
  }

  /** Tells all loads to end, and waits for them, up to 30 seconds. */
  @Override
  public void close() {
    synchronized (this) {
      running.values().forEach(ModelLoad::abandon);
    }
    threads.shutdown();
    try {
      if (!threads.awaitTermination(30, TimeUnit.SECONDS)) {
        log.warn("{} models are still being loaded", threads.getActiveCount());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
