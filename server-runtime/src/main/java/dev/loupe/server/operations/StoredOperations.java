package dev.loupe.server.operations;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the runner does with its store beside reading it: names, endings, and forgetting. */
final class StoredOperations {
  private static final Logger log = LoggerFactory.getLogger(StoredOperations.class);
  private static final int KEPT_FINISHED = 1_000;

  private final OperationStore store;

  StoredOperations(OperationStore store) {
    this.store = store;
  }

  /** A name that sorts after those given before, to the millisecond. */
  static String newName(String parent) {
    return String.format(
        "%s/operations/op-%011x-%06x",
        parent, System.currentTimeMillis(), ThreadLocalRandom.current().nextInt(1 << 24));
  }

  /** Stores an operation and says whether that went well; the log has why not. */
  boolean tryPut(OperationRecord record) {
    try {
      store.put(record);
      return true;
    } catch (RuntimeException e) {
      log.error("operation {} could not be stored", record.name(), e);
      return false;
    }
  }

  /** Ends an operation that the process before left, and that does not go on. */
  void putInterrupted(OperationRecord record) {
    LoupeException error =
        LoupeException.of(
            ErrorReason.INTERRUPTED,
            "the server went down while operation " + record.name() + " ran; start it again");
    store.put(
        record.with(
            record.operation().toBuilder()
                .setDone(true)
                .setError(LoupeErrors.toRpcStatus(error))
                .build()));
  }

  /** Makes room for one more finished operation. */
  void forgetOldest() {
    List<OperationRecord> finished =
        store.list().stream().filter(record -> record.operation().getDone()).toList();
    if (finished.size() >= KEPT_FINISHED) {
      finished.stream()
          .min(Comparator.comparing(record -> id(record.name())))
          .ifPresent(oldest -> store.delete(oldest.name()));
    }
  }

  private static String id(String name) {
    return name.substring(name.lastIndexOf('/') + 1);
  }
}
