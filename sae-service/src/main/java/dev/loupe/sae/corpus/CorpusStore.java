package dev.loupe.sae.corpus;

import dev.loupe.sae.format.Folders;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.errors.StorageErrors;
import dev.loupe.server.files.DurableFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The corpora of a service, one folder each. A corpus appears and goes whole or not at all. Safe
 * for many threads.
 */
public final class CorpusStore {
  private static final Logger log = LoggerFactory.getLogger(CorpusStore.class);

  private final Path root;

  /**
   * Opens the store.
   *
   * @param root holds the folders; made when it is not there
   * @throws LoupeException STORAGE_FULL, STORAGE_UNAVAILABLE
   */
  public CorpusStore(Path root) {
    this.root = root;
    try {
      DurableFiles.createFolders(root);
      Folders.removePartial(root);
    } catch (IOException e) {
      throw StorageErrors.of("the list of corpora", e);
    }
  }

  /**
   * Stores rows under a new id.
   *
   * @param modelSha256 of the weights of the model whose tokenizer made the ids
   * @param rows taken one by one; what their iterator throws is thrown on, and nothing is stored
   * @throws LoupeException CORPUS_EXISTS, INVALID_VALUE when there are no rows, STORAGE_FULL,
   *     STORAGE_UNAVAILABLE
   */
  public CorpusDescription create(
      String id, String model, String modelSha256, Iterator<int[]> rows) {
    requireFree(id);
    try {
      Folders.writeWhole(root.resolve(id), folder -> write(folder, id, model, modelSha256, rows));
      return describe(id);
    } catch (IOException e) {
      requireFree(id);
      throw StorageErrors.of("corpus " + id, e);
    }
  }

  /**
   * Fails when a corpus of this id is there.
   *
   * @throws LoupeException CORPUS_EXISTS
   */
  public void requireFree(String id) {
    if (Files.isDirectory(root.resolve(id))) {
      throw LoupeException.of(
              ErrorReason.CORPUS_EXISTS, "corpus corpora/" + id + " is there already")
          .with("corpus", "corpora/" + id);
    }
  }

  /** All corpora that can be read, by id. */
  public List<CorpusDescription> list() {
    List<CorpusDescription> found = new ArrayList<>();
    try {
      for (String id : Folders.names(root)) {
        try {
          found.add(CorpusFiles.readDescription(root.resolve(id), id));
        } catch (IOException e) {
          log.warn("corpus {} is left out: {}", id, e.getMessage());
        }
      }
    } catch (IOException e) {
      throw StorageErrors.of("the list of corpora", e);
    }
    return found;
  }

  /**
   * Describes a corpus.
   *
   * @throws LoupeException CORPUS_NOT_FOUND, STORAGE_UNAVAILABLE
   */
  public CorpusDescription describe(String id) {
    Path folder = folder(id);
    try {
      return CorpusFiles.readDescription(folder, id);
    } catch (IOException e) {
      throw StorageErrors.of("corpus " + id, e);
    }
  }

  /**
   * Opens a corpus.
   *
   * @throws LoupeException CORPUS_NOT_FOUND, STORAGE_UNAVAILABLE
   */
  public Corpus open(String id) {
    CorpusDescription description = describe(id);
    try {
      return Corpus.open(description, root.resolve(id));
    } catch (IOException e) {
      throw StorageErrors.of("corpus " + id, e);
    }
  }

  /**
   * Deletes a corpus.
   *
   * @throws LoupeException CORPUS_NOT_FOUND, STORAGE_UNAVAILABLE
   */
  public void delete(String id) {
    Path folder = folder(id);
    try {
      Folders.deleteWhole(folder);
    } catch (IOException e) {
      throw StorageErrors.of("corpus " + id, e);
    }
  }

  private Path folder(String id) {
    Path folder = root.resolve(id);
    if (!Files.isDirectory(folder)) {
      throw LoupeException.of(ErrorReason.CORPUS_NOT_FOUND, "there is no corpus corpora/" + id)
          .with("corpus", "corpora/" + id);
    }
    return folder;
  }

  private static void write(
      Path folder, String id, String model, String modelSha256, Iterator<int[]> rows)
      throws IOException {
    try (CorpusWriter writer = new CorpusWriter(folder)) {
      while (rows.hasNext()) {
        if (writer.rows() == CorpusWriter.MAX_ROWS) {
          throw LoupeException.invalidValue(
              "rows", "more than " + CorpusWriter.MAX_ROWS, "fewer rows, in several corpora");
        }
        writer.add(rows.next());
      }
      if (writer.rows() == 0) {
        throw LoupeException.invalidValue("rows", "empty", "at least one row");
      }
      writer.finish(id, model, modelSha256);
    }
  }
}
