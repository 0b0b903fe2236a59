package dev.loupe.server.sharing;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.function.Predicate;

/**
 * What waits: first come first served within a tenant, tenants in rotation. Whoever was served goes
 * behind those that were not. Not thread-safe.
 */
public final class TenantQueue<E> {
  /** In the order of the rotation; no queue is empty. */
  private final Map<String, Queue<E>> byTenant = new LinkedHashMap<>();

  private int size;

  /** How many wait. */
  public int size() {
    return size;
  }

  public void add(String tenant, E element) {
    byTenant.computeIfAbsent(tenant, name -> new ArrayDeque<>()).add(element);
    size++;
  }

  /** Removes what waits no longer. */
  public void remove(String tenant, E element) {
    Queue<E> queue = byTenant.get(tenant);
    if (queue != null && queue.remove(element)) {
      size--;
      if (queue.isEmpty()) {
        byTenant.remove(tenant);
      }
    }
  }

  /** Takes the next one, or null. */
  public E poll() {
    if (byTenant.isEmpty()) {
      return null;
    }
    String tenant = byTenant.keySet().iterator().next();
    E next = byTenant.get(tenant).remove();
    size--;
    moveBack(tenant);
    return next;
  }

  /**
   * Takes all that are accepted, one of each tenant at a time, so that none crowds out the others.
   */
  public List<E> take(Predicate<E> accepted) {
    List<E> taken = new ArrayList<>();
    Map<String, Iterator<E>> left = new LinkedHashMap<>();
    byTenant.forEach((tenant, queue) -> left.put(tenant, queue.iterator()));
    List<String> served = new ArrayList<>();
    while (!left.isEmpty()) {
      Iterator<Map.Entry<String, Iterator<E>>> round = left.entrySet().iterator();
      while (round.hasNext()) {
        Map.Entry<String, Iterator<E>> tenant = round.next();
        E found = takeNext(tenant.getValue(), accepted);
        if (found == null) {
          round.remove();
        } else {
          taken.add(found);
          served.add(tenant.getKey());
        }
      }
    }
    served.stream().distinct().forEach(this::moveBack);
    return taken;
  }

  private E takeNext(Iterator<E> elements, Predicate<E> accepted) {
    while (elements.hasNext()) {
      E element = elements.next();
      if (accepted.test(element)) {
        elements.remove();
        size--;
        return element;
      }
    }
    return null;
  }

  private void moveBack(String tenant) {
    Queue<E> queue = byTenant.remove(tenant);
    if (!queue.isEmpty()) {
      byTenant.put(tenant, queue);
    }
  }
}
