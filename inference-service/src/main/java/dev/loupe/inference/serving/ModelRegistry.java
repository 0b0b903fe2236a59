package dev.loupe.inference.serving;

import dev.loupe.inference.hub.ModelSource;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.ModelNames;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * The models of this server, sorted by id. Whoever uses a model's weights holds a lease on it: a
 * model that is taken out is freed when its last lease ends, never under a running pass.
 */
public final class ModelRegistry {
  private final TreeMap<String, Entry> models = new TreeMap<>();
  private final Consumer<String> serves;

  /**
   * An empty registry.
   *
   * @param serves told the id of each model that comes into service
   */
  public ModelRegistry(Consumer<String> serves) {
    this.serves = serves;
  }

  /** A model and those who use it; guarded by the registry. */
  private static final class Entry implements ModelRetirement {
    private final ServedModel model;
    private final Runnable afterwards;
    private final CountDownLatch freed = new CountDownLatch(1);
    private int leases;
    private boolean retired;

    Entry(ServedModel model, Runnable afterwards) {
      this.model = model;
      this.afterwards = afterwards;
    }

    void freeIfUnused() {
      if (retired && leases == 0) {
        model.close();
        afterwards.run();
        freed.countDown();
      }
    }

    @Override
    public boolean await(Duration patience) throws InterruptedException {
      return freed.await(patience.toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  private final class Lease implements ModelLease {
    private final Entry entry;
    private final AtomicBoolean closed = new AtomicBoolean();

    Lease(Entry entry) {
      this.entry = entry;
    }

    @Override
    public ServedModel model() {
      return entry.model;
    }

    @Override
    public void close() {
      if (closed.compareAndSet(false, true)) {
        synchronized (ModelRegistry.this) {
          entry.leases--;
          entry.freeIfUnused();
        }
      }
    }
  }

  /** All, sorted by id; to describe them, not to run them. */
  public synchronized List<ServedModel> all() {
    List<ServedModel> all = new ArrayList<>();
    models.values().forEach(entry -> all.add(entry.model));
    return all;
  }

  /** How many there are. */
  public synchronized int size() {
    return models.size();
  }

  /** The model of exactly this id, if there is one; to describe it, not to run it. */
  public synchronized Optional<ServedModel> find(String id) {
    return Optional.ofNullable(models.get(id)).map(entry -> entry.model);
  }

  /**
   * One model, by its id or by another name that everybody knows it under ({@link ModelNames}); to
   * describe it, not to run it.
   *
   * @throws LoupeException MODEL_NOT_FOUND, which names the loaded ones
   */
  public synchronized ServedModel get(String id) {
    return known(id).model;
  }

  /**
   * One model, by its id or by another name that everybody knows it under; to run it.
   *
   * @throws LoupeException MODEL_NOT_FOUND, which names the loaded ones
   */
  public synchronized ModelLease lease(String id) {
    Entry entry = known(id);
    entry.leases++;
    return new Lease(entry);
  }

  /**
   * Puts a model into service; from then on it is the registry's to close.
   *
   * @param afterwards runs once the model is freed
   * @return the model, or the same one where a load that was given up came to its end before; then
   *     the given one stays the caller's
   * @throws LoupeException MODEL_EXISTS when the id belongs to a model of another source or form
   */
  public synchronized ServedModel add(ServedModel model, Runnable afterwards) {
    Entry there = models.get(model.id());
    if (there != null) {
      if (!there.model.spec().equals(model.spec())) {
        throw exists(model.id());
      }
      return there.model;
    }
    models.put(model.id(), new Entry(model, afterwards));
    serves.accept(model.id());
    return model;
  }

  /**
   * Takes a model out of service.
   *
   * @throws LoupeException MODEL_NOT_FOUND, which names the loaded ones
   */
  public synchronized ModelRetirement retire(String id) {
    Entry entry = entry(id);
    models.remove(id);
    entry.retired = true;
    entry.freeIfUnused();
    return entry;
  }

  static LoupeException exists(String id) {
    return LoupeException.of(
            ErrorReason.MODEL_EXISTS,
            "models/%s is another model; choose another id, or unload it first".formatted(id))
        .with("model", "models/" + id);
  }

  private Entry known(String id) {
    if (models.containsKey(id)) {
      return entry(id);
    }
    Optional<String> repository = ModelNames.repository(id);
    return models.values().stream()
        .filter(entry -> repository.isPresent() && repository.equals(repository(entry.model)))
        .min(Comparator.comparing(entry -> !entry.model.spec().form().equals(ModelForm.AS_STORED)))
        .orElseGet(() -> entry(id));
  }

  /** A folder's id is all that it is known by. */
  private static Optional<String> repository(ServedModel model) {
    return model.spec().source() instanceof ModelSource.Repository repository
        ? Optional.of(repository.id())
        : ModelNames.repository(model.id());
  }

  private Entry entry(String id) {
    Entry entry = models.get(id);
    if (entry == null) {
      List<String> names = models.keySet().stream().map(name -> "models/" + name).toList();
      throw LoupeException.of(
              ErrorReason.MODEL_NOT_FOUND,
              "model models/%s is not loaded; there is %s"
                  .formatted(id, names.isEmpty() ? "none" : String.join(", ", names)))
          .with("models", String.join(",", names));
    }
    return entry;
  }

  /** Takes all out of service, and waits for their last requests; returns whether all are freed. */
  public boolean close(Duration patience) {
    List<ModelRetirement> retired = retireAll();
    long end = System.nanoTime() + patience.toNanos();
    boolean freed = true;
    try {
      for (ModelRetirement retirement : retired) {
        freed &= retirement.await(Duration.ofNanos(end - System.nanoTime()));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
    return freed;
  }

  private synchronized List<ModelRetirement> retireAll() {
    return List.copyOf(models.keySet()).stream().map(this::retire).toList();
  }
}
