package dev.loupe.server.operations;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;

/** Operations by name, in memory. */
final class MemoryOperationStore implements OperationStore {
  private final ConcurrentNavigableMap<String, OperationRecord> records =
      new ConcurrentSkipListMap<>();

  @Override
  public void put(OperationRecord record) {
    records.put(record.name(), record);
  }

  @Override
  public Optional<OperationRecord> get(String name) {
    return Optional.ofNullable(records.get(name));
  }

  @Override
  public List<OperationRecord> list() {
    return List.copyOf(records.values());
  }

  @Override
  public void delete(String name) {
    records.remove(name);
  }
}
