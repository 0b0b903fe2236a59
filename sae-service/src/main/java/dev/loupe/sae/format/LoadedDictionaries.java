package dev.loupe.sae.format;

import dev.loupe.sae.dictionary.Dictionary;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The dictionaries that were used last, by what their files hold: whatever stands under an id by
 * then, none is taken for another. Safe for many threads.
 */
final class LoadedDictionaries {
  private static final long MOST_WEIGHTS =
      Math.min(256L << 20, Runtime.getRuntime().maxMemory() / 8 / Float.BYTES);

  /** What a dictionary is made of. */
  record Content(String weightsSha256, SaeLensConfig config) {}

  private final Map<Content, Dictionary> loaded = new LinkedHashMap<>(16, 0.75f, true);

  synchronized Optional<Dictionary> get(Content content) {
    return Optional.ofNullable(loaded.get(content));
  }

  synchronized void put(Content content, Dictionary dictionary) {
    loaded.put(content, dictionary);
    Iterator<Dictionary> oldest = loaded.values().iterator();
    long total = loaded.values().stream().mapToLong(LoadedDictionaries::weights).sum();
    while (total > MOST_WEIGHTS) {
      total -= weights(oldest.next());
      oldest.remove();
    }
  }

  private static long weights(Dictionary dictionary) {
    return 2L * dictionary.dIn() * dictionary.dSae();
  }
}
