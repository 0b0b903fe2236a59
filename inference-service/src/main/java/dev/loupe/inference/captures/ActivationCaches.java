package dev.loupe.inference.captures;

import ai.djl.ndarray.NDArray;
import dev.loupe.inference.model.hooks.PassRows;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The activations of one model that runs left on the server, each for a time. Who a caller is
 * cannot be proved, so an id is all that leads to what was kept, and nobody can guess one; lists
 * are for those who know the key of an owner. What expires, is deleted, or goes with the model is
 * found no more at once, and its memory is freed when nobody reads it any longer. Thread-safe.
 */
public final class ActivationCaches implements AutoCloseable {
  /** What the bookkeeping of an entry is reckoned at, so that entries are bounded too. */
  static final long ENTRY_BYTES = 4_096;

  private static final int ID_BYTES = 16;

  private final CacheSpace space;
  private final SecureRandom ids = new SecureRandom();
  private final Map<String, CacheEntry> entries = new LinkedHashMap<>();
  private long kept;
  private boolean closed;

  /** Caches of a model within a space that all models share. */
  public ActivationCaches(CacheSpace space) {
    this.space = space;
  }

  /** Room for activations that a run is about to make: fill it, and close it in any case. */
  public final class Room implements AutoCloseable {
    private final String tenant;
    private final String ownerKey;
    private final long bytes;
    private final Duration timeToLive;
    private boolean given;

    private Room(String tenant, String ownerKey, long bytes, Duration timeToLive) {
      this.tenant = tenant;
      this.ownerKey = ownerKey;
      this.bytes = bytes;
      this.timeToLive = timeToLive;
    }

    /**
     * Keeps copies of activations.
     *
     * @param rows of the run
     * @param made as the run made them; they stay the caller's
     * @return how they are found again
     */
    public CacheInfo fill(PassRows rows, List<KeptActivation> made) {
      byte[] random = new byte[ID_BYTES];
      ids.nextBytes(random);
      String id = "c" + HexFormat.of().formatHex(random);
      CacheEntry entry =
          new CacheEntry(id, tenant, ownerKey, bytes, Instant.now().plus(timeToLive), rows);
      try {
        for (KeptActivation activation : made) {
          NDArray indices = activation.indices();
          entry.activations.add(
              new KeptActivation(
                  activation.capture(),
                  activation.index(),
                  activation.layout(),
                  entry.copied(activation.values()),
                  indices == null ? null : entry.copied(indices)));
        }
        add(entry, timeToLive);
      } catch (RuntimeException | Error e) {
        entry.free();
        throw e;
      }
      given = true;
      return info(entry);
    }

    /** Gives the room back unless it was filled. */
    @Override
    public void close() {
      if (!given) {
        given = true;
        space.give(tenant, bytes);
      }
    }
  }

  /** Activations that stay in memory until this is closed. */
  public final class Lease implements AutoCloseable {
    private final CacheEntry entry;
    private final AtomicBoolean ended = new AtomicBoolean();

    private Lease(CacheEntry entry) {
      this.entry = entry;
    }

    /** Rows of the run. */
    public PassRows rows() {
      return entry.rows;
    }

    /** What was kept, in the order of the run's captures. */
    public List<KeptActivation> activations() {
      return entry.activations;
    }

    @Override
    public void close() {
      if (ended.compareAndSet(false, true)) {
        release(entry);
      }
    }
  }

  /**
   * Takes room before a run.
   *
   * @param tenant whose share it is taken from
   * @param ownerKey under which it is listed; empty for no list
   * @param bytes that the activations will take
   * @throws CacheFullException when there is less left, for all or for this tenant
   */
  public Room room(String tenant, String ownerKey, long bytes, Duration timeToLive) {
    long all = Math.addExact(bytes, ENTRY_BYTES);
    space.take(tenant, all);
    return new Room(tenant, ownerKey, all, timeToLive);
  }

  /**
   * Holds kept activations in memory for reading.
   *
   * @throws UnknownCacheException when there is none of that id
   */
  public synchronized Lease lease(String id) {
    CacheEntry entry = entry(id);
    entry.holders++;
    return new Lease(entry);
  }

  /**
   * Describes kept activations.
   *
   * @throws UnknownCacheException when there is none of that id
   */
  public synchronized CacheInfo get(String id) {
    return info(entry(id));
  }

  /** What was kept under an owner's key, which is not empty, oldest first. */
  public synchronized List<CacheInfo> list(String ownerKey) {
    List<CacheInfo> list = new ArrayList<>();
    for (CacheEntry entry : entries.values()) {
      if (entry.ownerKey.equals(ownerKey) && isAlive(entry)) {
        list.add(info(entry));
      }
    }
    return list;
  }

  /**
   * Drops kept activations.
   *
   * @throws UnknownCacheException when there is none of that id
   */
  public synchronized void delete(String id) {
    drop(entry(id));
  }

  private synchronized void add(CacheEntry entry, Duration timeToLive) {
    if (closed) {
      throw new UnknownCacheException("the model is unloaded, and with it what it kept");
    }
    entry.number = ++kept;
    entries.put(entry.id, entry);
    entry.expiry = space.after(timeToLive, () -> expire(entry));
  }

  private synchronized void expire(CacheEntry entry) {
    if (entries.get(entry.id) == entry) {
      drop(entry);
    }
  }

  private void drop(CacheEntry entry) {
    entries.remove(entry.id);
    entry.expiry.cancel(false);
    release(entry);
  }

  private synchronized void release(CacheEntry entry) {
    entry.holders--;
    if (entry.holders == 0) {
      entry.free();
      space.give(entry.tenant, entry.bytes);
    }
  }

  private CacheEntry entry(String id) {
    CacheEntry entry = entries.get(id);
    if (entry == null || !isAlive(entry)) {
      throw new UnknownCacheException(
          "no activations are kept as '%s'; they have expired, or were deleted".formatted(id));
    }
    return entry;
  }

  private static boolean isAlive(CacheEntry entry) {
    return Instant.now().isBefore(entry.expires);
  }

  private static CacheInfo info(CacheEntry entry) {
    List<Integer> rows = new ArrayList<>();
    for (int row = 0; row < entry.rows.rows(); row++) {
      rows.add(entry.rows.length(row));
    }
    return new CacheInfo(
        entry.id, entry.number, entry.bytes, entry.expires, rows, List.copyOf(entry.activations));
  }

  /** Drops everything; what comes later is refused. */
  @Override
  public synchronized void close() {
    closed = true;
    List.copyOf(entries.values()).forEach(this::drop);
  }
}
