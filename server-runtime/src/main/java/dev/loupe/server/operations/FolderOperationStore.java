package dev.loupe.server.operations;

import com.google.longrunning.Operation;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.loupe.server.errors.StorageErrors;
import dev.loupe.server.files.DurableFiles;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One file for each operation, named after it with {@code +} for {@code /}: the operation and the
 * request's {@code Any}, each after its length. A crash leaves the old file or the new one. Files
 * are read once, at the start. One process uses a folder at a time.
 */
final class FolderOperationStore implements OperationStore {
  private static final Logger log = LoggerFactory.getLogger(FolderOperationStore.class);
  private static final String SUFFIX = ".operation";

  private final Path folder;
  private final MemoryOperationStore read = new MemoryOperationStore();

  FolderOperationStore(Path folder) {
    this.folder = folder;
    try {
      DurableFiles.createFolders(folder);
      DurableFiles.removePartial(folder);
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + SUFFIX)) {
        for (Path file : files) {
          load(file);
        }
      }
    } catch (IOException e) {
      throw StorageErrors.of("the list of operations", e);
    }
  }

  @Override
  public synchronized void put(OperationRecord record) {
    try {
      DurableFiles.write(file(record.name()), bytes(record));
    } catch (IOException e) {
      throw StorageErrors.of("operation " + record.name(), e);
    }
    read.put(record);
  }

  @Override
  public Optional<OperationRecord> get(String name) {
    return read.get(name);
  }

  @Override
  public List<OperationRecord> list() {
    return read.list();
  }

  @Override
  public synchronized void delete(String name) {
    if (read.get(name).isEmpty()) {
      return;
    }
    try {
      DurableFiles.deleteIfExists(file(name));
    } catch (IOException e) {
      throw StorageErrors.of("operation " + name, e);
    }
    read.delete(name);
  }

  private Path file(String name) {
    return folder.resolve(name.replace('/', '+') + SUFFIX);
  }

  private static byte[] bytes(OperationRecord record) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    record.operation().writeDelimitedTo(bytes);
    record.request().writeDelimitedTo(bytes);
    return bytes.toByteArray();
  }

  /**
   * A file that cannot be read is left where it is and said, so that the others are still served.
   */
  private void load(Path file) throws IOException {
    try (InputStream in = new ByteArrayInputStream(Files.readAllBytes(file))) {
      Operation operation = Operation.parseDelimitedFrom(in);
      Any request = operation == null ? null : Any.parseDelimitedFrom(in);
      if (request == null || !file(operation.getName()).equals(file)) {
        log.error(
            "{} does not hold an operation of that name, and is left alone", file.getFileName());
      } else {
        read.put(new OperationRecord(operation, request));
      }
    } catch (InvalidProtocolBufferException e) {
      log.error("{} is corrupt, and is left alone: {}", file.getFileName(), e.getMessage());
    }
  }
}
