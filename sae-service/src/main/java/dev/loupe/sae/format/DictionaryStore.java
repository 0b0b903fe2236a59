package dev.loupe.sae.format;

import dev.loupe.sae.dictionary.Architecture;
import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.format.LoadedDictionaries.Content;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.errors.StorageErrors;
import dev.loupe.server.files.DurableFiles;
import dev.loupe.server.names.ModelNames;
import dev.loupe.server.names.ResourcePattern;
import dev.loupe.tensor.SafetensorsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The dictionaries of a service: one SAELens folder each, named by its id. A folder appears whole
 * or not at all, and one that cannot be read leaves the others alone. Safe for many threads.
 */
public final class DictionaryStore {
  private static final Logger log = LoggerFactory.getLogger(DictionaryStore.class);
  private static final int MOST_READINGS = 3;

  private final Path root;
  private final WeightFiles weights = new WeightFiles();
  private final LoadedDictionaries loaded = new LoadedDictionaries();

  /**
   * Opens the store and says in the log which folders cannot be read.
   *
   * @param root holds the folders; made when it is not there
   * @throws LoupeException STORAGE_FULL, STORAGE_UNAVAILABLE
   */
  public DictionaryStore(Path root) {
    this.root = root;
    try {
      DurableFiles.createFolders(root);
      Folders.removePartial(root);
    } catch (IOException e) {
      throw StorageErrors.of("the list of dictionaries", e);
    }
    for (DictionaryProblem problem : list().problems()) {
      log.warn("dictionary {} is left out: {}", problem.folder(), problem.problem());
    }
  }

  /** Every dictionary that can be read, and why the other folders cannot. */
  public DictionaryListing list() {
    List<DictionaryDescription> found = new ArrayList<>();
    List<DictionaryProblem> problems = new ArrayList<>();
    for (String folder : folders()) {
      try {
        found.add(describe(ResourcePattern.requireId("the folder's name", folder)));
      } catch (LoupeException e) {
        if (exists(folder)) {
          problems.add(new DictionaryProblem(folder, e.getMessage()));
        }
      }
    }
    return new DictionaryListing(List.copyOf(found), List.copyOf(problems));
  }

  /** Whether there is a folder of this name, readable or not. */
  public boolean exists(String id) {
    return Files.isDirectory(root.resolve(id));
  }

  /**
   * Describes a dictionary, whose weights are read only when they have changed.
   *
   * @throws LoupeException DICTIONARY_NOT_FOUND, UNREADABLE_DICTIONARY, STORAGE_UNAVAILABLE
   */
  public DictionaryDescription describe(String id) {
    return whole(id, folder -> describe(id, folder));
  }

  private DictionaryDescription describe(String id, Path folder)
      throws IOException, UnreadableDictionaryException {
    SaeLensConfig config = SaeLensConfig.read(folder);
    SaeLensFolder.check(folder, config);
    WeightFiles.Reading reading = weights.of(folder, config);
    reading.requireReadable();
    Optional<DictionaryMetadata> ours = DictionaryMetadata.read(folder);
    Architecture architecture = config.architecture();
    return new DictionaryDescription(
        id,
        ours.map(DictionaryMetadata::model).orElse(ModelNames.id(config.modelName())),
        ours.map(DictionaryMetadata::modelSha256).orElse(""),
        ours.map(DictionaryMetadata::hookPoint).orElse(config.hookName()),
        config.dIn(),
        config.dSae(),
        ours.map(o -> architecture.withCoefficient(o.coefficient())).orElse(architecture),
        reading.sha256(),
        ours.map(DictionaryMetadata::created).orElse(modified(folder)));
  }

  /**
   * A dictionary to encode and decode with; not to be trained. The last used ones stay in memory
   * and are given again for as long as the files hold the same.
   *
   * @throws LoupeException as {@link #describe} does
   */
  public Dictionary load(String id) {
    return whole(id, this::load);
  }

  private Dictionary load(Path folder) throws IOException, UnreadableDictionaryException {
    SaeLensConfig config = SaeLensConfig.read(folder);
    SaeLensFolder.check(folder, config);
    WeightFiles.Reading reading = weights.of(folder, config);
    reading.requireReadable();
    Optional<Dictionary> known = loaded.get(new Content(reading.sha256(), config));
    if (known.isPresent()) {
      return known.get();
    }
    SaeLensFolder.Stored stored = SaeLensFolder.read(folder, config);
    loaded.put(new Content(stored.weightsSha256(), config), stored.dictionary());
    return stored.dictionary();
  }

  private interface Reader<T> {
    T read(Path folder) throws IOException, UnreadableDictionaryException;
  }

  /**
   * Reads a folder that stays the same meanwhile: never one file of it, and another of the next.
   */
  private <T> T whole(String id, Reader<T> reader) {
    for (int left = MOST_READINGS - 1; ; left--) {
      Path folder = folder(id);
      Optional<FolderState> before = FolderState.of(folder);
      try {
        T read = reader.read(folder);
        if (FolderState.of(folder).equals(before)) {
          return read;
        }
        if (left == 0) {
          throw new UnreadableDictionaryException("it keeps changing while it is read");
        }
      } catch (UnreadableDictionaryException | IOException e) {
        if (left == 0 || FolderState.of(folder).equals(before)) {
          throw failed(id, e);
        }
      }
    }
  }

  /** Tells a folder from one that was put in its place. */
  private record FolderState(Object key, FileTime created, FileTime modified) {
    static Optional<FolderState> of(Path folder) {
      try {
        BasicFileAttributes now = Files.readAttributes(folder, BasicFileAttributes.class);
        return Optional.of(
            new FolderState(now.fileKey(), now.creationTime(), now.lastModifiedTime()));
      } catch (IOException e) {
        return Optional.empty();
      }
    }
  }

  /**
   * Stores a trained dictionary.
   *
   * @param modelSha256 of the weights of the model that it reads
   * @param densities share of activations at which each feature fired lately
   * @param contextSize tokens in the longest row that it was trained on
   * @param prependsBos whether those rows begin with the beginning-of-text token
   * @param training how it was trained, by name
   * @throws LoupeException DICTIONARY_EXISTS, STORAGE_FULL, STORAGE_UNAVAILABLE; nothing is stored
   *     then
   */
  public DictionaryDescription save(
      String id,
      Dictionary dictionary,
      String model,
      String modelSha256,
      String hookPoint,
      double[] densities,
      int contextSize,
      boolean prependsBos,
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
            SaeLensFolder.write(
                folder, dictionary, model, hookPoint, contextSize, prependsBos, densities);
            new DictionaryMetadata(
                    model,
                    modelSha256,
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
   * Writes down which model and hook point a dictionary reads, whatever its files say.
   *
   * @throws LoupeException as {@link #describe} does, and STORAGE_FULL
   */
  public DictionaryDescription setModel(
      String id, String model, String modelSha256, String hookPoint) {
    DictionaryDescription now = describe(id);
    Path folder = folder(id);
    try {
      Optional<DictionaryMetadata> ours = DictionaryMetadata.read(folder);
      new DictionaryMetadata(
              model,
              modelSha256,
              hookPoint,
              now.architecture().coefficient(),
              now.weightsSha256(),
              now.created(),
              ours.map(DictionaryMetadata::training).orElse(Map.of()))
          .write(folder);
    } catch (UnreadableDictionaryException | IOException e) {
      throw failed(id, e);
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
      Folders.deleteWhole(folder);
    } catch (IOException e) {
      throw failed(id, e);
    }
    weights.forget(folder);
  }

  private List<String> folders() {
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

  private static Instant modified(Path folder) throws IOException {
    return Files.getLastModifiedTime(folder.resolve(SaeLensFolder.WEIGHTS_FILE)).toInstant();
  }

  /** The error for a folder that cannot be read; one that was deleted meanwhile is not found. */
  private LoupeException failed(String id, Exception e) {
    folder(id);
    return e instanceof IOException failure && !(e instanceof SafetensorsException)
        ? StorageErrors.of("dictionary " + id, failure)
        : LoupeException.of(
                ErrorReason.UNREADABLE_DICTIONARY,
                "dictionaries/" + id + " cannot be read: " + e.getMessage(),
                e)
            .with("dictionary", "dictionaries/" + id);
  }
}
