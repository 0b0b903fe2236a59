package dev.loupe.sae.format;

import dev.loupe.sae.dictionary.Architecture;
import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.errors.StorageErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The dictionaries of a service: one SAELens folder each, named by its id. A folder appears whole
 * or not at all, and one that cannot be read leaves the others alone. Safe for many threads.
 */
public final class DictionaryStore {
  private static final Logger log = LoggerFactory.getLogger(DictionaryStore.class);
  private static final long CACHED_WEIGHTS = 256L << 20;

  private record FileState(long size, long modified) {}

  private record Hash(FileState state, String sha256) {}

  private final Path root;
  private final Map<String, Hash> hashes = new ConcurrentHashMap<>();
  private final Map<String, Dictionary> loaded = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * Opens the store and says in the log which folders cannot be read.
   *
   * @param root holds the folders; made when it is not there
   * @throws LoupeException STORAGE_FULL, STORAGE_UNAVAILABLE
   */
  public DictionaryStore(Path root) {
    this.root = root;
    try {
      Files.createDirectories(root);
      Folders.removePartial(root);
    } catch (IOException e) {
      throw StorageErrors.of("the list of dictionaries", e);
    }
    list();
  }

  /** Every dictionary that can be read, by id. */
  public List<DictionaryDescription> list() {
    List<DictionaryDescription> found = new ArrayList<>();
    for (String id : ids()) {
      try {
        found.add(describe(id));
      } catch (LoupeException e) {
        log.warn("dictionary {} is left out: {}", id, e.getMessage());
      }
    }
    return found;
  }

  /** Whether there is a folder of this name, readable or not. */
  public boolean exists(String id) {
    return Files.isDirectory(root.resolve(id));
  }

  /**
   * Describes a dictionary without reading its weights.
   *
   * @throws LoupeException DICTIONARY_NOT_FOUND, UNREADABLE_DICTIONARY, STORAGE_UNAVAILABLE
   */
  public DictionaryDescription describe(String id) {
    Path folder = folder(id);
    try {
      SaeLensConfig config = SaeLensConfig.read(folder);
      SaeLensFolder.check(folder, config);
      Optional<DictionaryMetadata> ours = DictionaryMetadata.read(folder);
      Architecture architecture = config.architecture();
      return new DictionaryDescription(
          id,
          ours.map(DictionaryMetadata::model).orElse(modelId(config.modelName())),
          ours.map(DictionaryMetadata::hookPoint).orElse(config.hookName()),
          config.dIn(),
          config.dSae(),
          ours.map(o -> architecture.withCoefficient(o.coefficient())).orElse(architecture),
          sha256(id, folder),
          ours.map(DictionaryMetadata::created).orElse(modified(folder)));
    } catch (UnreadableDictionaryException e) {
      throw unreadable(id, e);
    } catch (IOException e) {
      throw StorageErrors.of("dictionary " + id, e);
    }
  }

  /**
   * A dictionary to encode and decode with; not to be trained. The last used ones stay in memory.
   *
   * @throws LoupeException as {@link #describe} does
   */
  public Dictionary load(String id) {
    Path folder = folder(id);
    synchronized (loaded) {
      Dictionary known = loaded.get(id);
      if (known != null) {
        return known;
      }
    }
    try {
      Dictionary dictionary = SaeLensFolder.read(folder);
      synchronized (loaded) {
        loaded.put(id, dictionary);
        makeRoom();
      }
      return dictionary;
    } catch (UnreadableDictionaryException e) {
      throw unreadable(id, e);
    } catch (IOException e) {
      throw StorageErrors.of("dictionary " + id, e);
    }
  }

  /**
   * Stores a trained dictionary.
   *
   * @param densities share of activations at which each feature fired lately
   * @param contextSize tokens in the longest row that it was trained on
   * @param training how it was trained, by name
   * @throws LoupeException DICTIONARY_EXISTS, STORAGE_FULL, STORAGE_UNAVAILABLE; nothing is stored
   *     then
   */
  public DictionaryDescription save(
      String id,
      Dictionary dictionary,
      String model,
      String hookPoint,
      double[] densities,
      int contextSize,
      Map<String, String> training) {
    if (exists(id)) {
      throw LoupeException.of(
              ErrorReason.DICTIONARY_EXISTS, "dictionary dictionaries/" + id + " is there already")
          .with("dictionary", "dictionaries/" + id);
    }
    Path target = root.resolve(id);
    try {
      Folders.writeWhole(
          target,
          folder -> {
            SaeLensFolder.write(folder, dictionary, model, hookPoint, contextSize, densities);
            new DictionaryMetadata(
                    model,
                    hookPoint,
                    dictionary.architecture().coefficient(),
                    Folders.sha256(folder.resolve(SaeLensFolder.WEIGHTS_FILE)),
                    Instant.now().truncatedTo(ChronoUnit.MILLIS),
                    training)
                .write(folder);
          });
    } catch (IOException e) {
      throw StorageErrors.of("dictionary " + id, e);
    }
    return describe(id);
  }

  /**
   * Deletes a dictionary's folder, readable or not.
   *
   * @throws LoupeException DICTIONARY_NOT_FOUND, STORAGE_UNAVAILABLE
   */
  public void delete(String id) {
    Path folder = folder(id);
    try {
      Path doomed = Folders.partial(folder);
      Files.move(folder, doomed, StandardCopyOption.ATOMIC_MOVE);
      Folders.deleteRecursively(doomed);
    } catch (IOException e) {
      throw StorageErrors.of("dictionary " + id, e);
    }
    hashes.remove(id);
    synchronized (loaded) {
      loaded.remove(id);
    }
  }

  private List<String> ids() {
    try {
      return Folders.names(root);
    } catch (IOException e) {
      throw StorageErrors.of("the list of dictionaries", e);
    }
  }

  private Path folder(String id) {
    if (!exists(id)) {
      throw LoupeException.of(
              ErrorReason.DICTIONARY_NOT_FOUND, "there is no dictionary dictionaries/" + id)
          .with("dictionary", "dictionaries/" + id);
    }
    return root.resolve(id);
  }

  private void makeRoom() {
    var entries = loaded.entrySet().iterator();
    long total = loaded.values().stream().mapToLong(d -> 2L * d.dIn() * d.dSae()).sum();
    while (total > CACHED_WEIGHTS && loaded.size() > 1) {
      Dictionary oldest = entries.next().getValue();
      total -= 2L * oldest.dIn() * oldest.dSae();
      entries.remove();
    }
  }

  private String sha256(String id, Path folder) throws IOException {
    Path file = folder.resolve(SaeLensFolder.WEIGHTS_FILE);
    FileState state = new FileState(Files.size(file), Files.getLastModifiedTime(file).toMillis());
    Hash known = hashes.get(id);
    if (known == null || !known.state().equals(state)) {
      known = new Hash(state, Folders.sha256(file));
      hashes.put(id, known);
    }
    return known.sha256();
  }

  private static Instant modified(Path folder) throws IOException {
    return Files.getLastModifiedTime(folder.resolve(SaeLensFolder.WEIGHTS_FILE)).toInstant();
  }

  private static LoupeException unreadable(String id, UnreadableDictionaryException e) {
    return LoupeException.of(
            ErrorReason.UNREADABLE_DICTIONARY,
            "dictionaries/" + id + " cannot be read: " + e.getMessage(),
            e)
        .with("dictionary", "dictionaries/" + id);
  }

  /** An imported folder names its model as SAELens does; the same name as an id. */
  private static String modelId(String name) {
    String id = name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
    String trimmed = id.replaceAll("^[^a-z]+|-+$", "");
    return trimmed.isEmpty() ? "unknown" : trimmed.substring(0, Math.min(63, trimmed.length()));
  }
}
