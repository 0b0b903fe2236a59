package dev.loupe.sae.grpc;

import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.format.DictionaryDescription;
import dev.loupe.sae.format.DictionaryStore;
import dev.loupe.sae.memory.MemoryNeeds;
import dev.loupe.server.sharing.Claimant;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.sharing.MemoryBudget.Reservation;
import java.util.HashMap;
import java.util.Map;

/**
 * The dictionaries that calls use. The memory of each is reserved once, for as long as any call
 * uses it.
 */
final class SharedDictionaries {
  private final DictionaryStore dictionaries;
  private final MemoryBudget budget;
  private final Map<DictionaryDescription, Shared> shared = new HashMap<>();

  SharedDictionaries(DictionaryStore dictionaries, MemoryBudget budget) {
    this.dictionaries = dictionaries;
    this.budget = budget;
  }

  private static final class Shared {
    private final Dictionary dictionary;
    private final Reservation memory;
    private int users;

    Shared(Dictionary dictionary, Reservation memory) {
      this.dictionary = dictionary;
      this.memory = memory;
    }
  }

  /** One call's use of a dictionary. */
  final class Use implements AutoCloseable {
    private final DictionaryDescription description;
    private final Dictionary dictionary;

    private Use(DictionaryDescription description, Dictionary dictionary) {
      this.description = description;
      this.dictionary = dictionary;
    }

    Dictionary dictionary() {
      return dictionary;
    }

    @Override
    public void close() {
      synchronized (shared) {
        Shared used = shared.get(description);
        if (--used.users == 0) {
          shared.remove(description);
          used.memory.close();
        }
      }
    }
  }

  /**
   * Begins to use a dictionary.
   *
   * @throws dev.loupe.server.errors.LoupeException OUT_OF_BUDGET, and what {@link
   *     DictionaryStore#load} throws
   */
  Use use(String id, Claimant claimant) {
    while (true) {
      DictionaryDescription description = dictionaries.describe(id);
      synchronized (shared) {
        if (shared.containsKey(description)) {
          return used(description);
        }
      }
      int dIn = description.dIn();
      int dSae = description.dSae();
      Reservation memory = budget.reserve(MemoryNeeds.loading(dIn, dSae), claimant);
      boolean kept = false;
      try {
        Dictionary dictionary = dictionaries.load(id);
        // Not when it was replaced meanwhile: what is shared under a description is what it says.
        if (dictionaries.describe(id).equals(description)) {
          memory.shrinkTo(MemoryNeeds.loaded(dIn, dSae));
          synchronized (shared) {
            kept = shared.putIfAbsent(description, new Shared(dictionary, memory)) == null;
            return used(description);
          }
        }
      } finally {
        if (!kept) {
          memory.close();
        }
      }
    }
  }

  private Use used(DictionaryDescription description) {
    Shared used = shared.get(description);
    used.users++;
    return new Use(description, used.dictionary);
  }
}
