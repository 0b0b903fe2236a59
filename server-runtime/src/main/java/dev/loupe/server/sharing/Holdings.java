package dev.loupe.server.sharing;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Who holds how much of a budget. Not thread-safe. */
final class Holdings {
  private final Map<String, List<Holding>> byTenant = new HashMap<>();

  /** What one claimant reserved at once. */
  static final class Holding {
    final Claimant claimant;
    final long bytes;
    private boolean dismissed;

    Holding(Claimant claimant, long bytes) {
      this.claimant = claimant;
      this.bytes = bytes;
    }
  }

  /** What is held for a silent client, and since how long it was silent. */
  record Silent(Holding holding, Duration silence) {}

  void add(Holding holding) {
    byTenant.computeIfAbsent(holding.claimant.tenant(), name -> new ArrayList<>()).add(holding);
  }

  void remove(Holding holding) {
    List<Holding> left = byTenant.get(holding.claimant.tenant());
    left.remove(holding);
    if (left.isEmpty()) {
      byTenant.remove(holding.claimant.tenant());
    }
  }

  /** Bytes that a tenant holds and was not asked to give back. */
  long of(String tenant) {
    return byTenant.getOrDefault(tenant, List.of()).stream()
        .filter(holding -> !holding.dismissed)
        .mapToLong(holding -> holding.bytes)
        .sum();
  }

  /** Bytes that were asked for back, and will come. */
  long dismissed() {
    return byTenant.values().stream()
        .flatMap(List::stream)
        .filter(holding -> holding.dismissed)
        .mapToLong(holding -> holding.bytes)
        .sum();
  }

  /** Whether a tenant holds nothing but for this one of its calls. */
  boolean areAllOf(Claimant claimant) {
    return byTenant.getOrDefault(claimant.tenant(), List.of()).stream()
        .allMatch(holding -> holding.claimant == claimant);
  }

  /**
   * What others hold only because their clients have been silent for so long, longest first, where
   * their tenant holds more than so many bytes. Those that come out count as asked for back.
   *
   * @param missing bytes; no more holdings come out than give these
   */
  List<Silent> dismissSilent(String tenant, Duration least, long most, long missing) {
    // Silence goes on, or ends, while it is looked at.
    List<Silent> silent =
        byTenant.values().stream()
            .flatMap(List::stream)
            .filter(holding -> !holding.dismissed && !holding.claimant.tenant().equals(tenant))
            .map(holding -> new Silent(holding, holding.claimant.silence()))
            .filter(found -> found.silence().compareTo(least) >= 0)
            .sorted(Comparator.comparing(Silent::silence).reversed())
            .toList();
    List<Silent> dismissed = new ArrayList<>();
    long left = missing;
    for (Silent found : silent) {
      if (left > 0 && of(found.holding().claimant.tenant()) > most) {
        found.holding().dismissed = true;
        dismissed.add(found);
        left -= found.holding().bytes;
      }
    }
    return dismissed;
  }
}
