package dev.loupe.server.operations;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Where operations are kept. Threads may share a store. */
public interface OperationStore {
  /**
   * Writes an operation whole, in the place of what was stored under its name.
   *
   * @throws dev.loupe.server.errors.LoupeException STORAGE_FULL, STORAGE_UNAVAILABLE; what was
   *     stored is unharmed
   */
  void put(OperationRecord record);

  /** The operation of this name. */
  Optional<OperationRecord> get(String name);

  /** All operations, by name. */
  List<OperationRecord> list();

  /** Forgets an operation. Forgetting none is no error. */
  void delete(String name);

  /** A store that ends with the process. */
  static OperationStore inMemory() {
    return new MemoryOperationStore();
  }

  /**
   * A store with one file for each operation in a folder, which is made when it is not there.
   *
   * @throws dev.loupe.server.errors.LoupeException STORAGE_FULL, STORAGE_UNAVAILABLE
   */
  static OperationStore inFolder(Path folder) {
    return new FolderOperationStore(folder);
  }
}
