package dev.loupe.features.storage;

import com.zaxxer.hikari.HikariDataSource;

/**
 * Connections for reading, each read a snapshot, and connections for writing.
 *
 * @param reads readers
 * @param writes writers
 */
record Pools(HikariDataSource reads, HikariDataSource writes) implements AutoCloseable {
  @Override
  public void close() {
    try (writes;
        reads) {
      // Both are closed, whatever happens to the first.
    }
  }
}
