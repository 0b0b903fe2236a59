package dev.loupe.features.storage;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariPoolMXBean;
import com.zaxxer.hikari.pool.HikariPool.PoolInitializationException;
import dev.loupe.features.domain.StorageException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Map;
import java.util.Optional;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.HandleCallback;
import org.jdbi.v3.core.HandleConsumer;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;

/**
 * The database of a feature store: its schema brought up to date, its connections, its failures
 * told apart.
 */
public final class Database implements AutoCloseable {
  private static final long CONNECTION_WAIT_MILLIS = 5_000;

  private final Dialect dialect;
  private final Pools pools;
  private final Optional<DatabaseFile> file;
  private final Jdbi reads;
  private final Jdbi writes;

  private Database(Dialect dialect, Pools pools, Optional<DatabaseFile> file) {
    this.dialect = dialect;
    this.pools = pools;
    this.file = file;
    this.reads = Jdbi.create(pools.reads());
    this.writes = Jdbi.create(pools.writes());
  }

  /**
   * Opens a database and migrates its schema.
   *
   * @param jdbcUrl {@code jdbc:sqlite:FILE} (the file and its folder are made when missing) or
   *     {@code jdbc:postgresql://HOST/DATABASE?user=USER&password=PASSWORD}
   * @param connections for reading at the same time, 1 or more
   * @throws IllegalArgumentException if the URL is of another database
   * @throws StorageException if the database cannot be opened or migrated
   */
  public static Database open(String jdbcUrl, int connections) {
    Dialect dialect = Dialect.of(jdbcUrl);
    Pools pools = null;
    try {
      if (dialect instanceof SqliteDialect) {
        SqliteDialect.makeFolder(jdbcUrl);
      }
      pools = dialect.open(jdbcUrl, connections);
      Flyway.configure()
          .dataSource(pools.writes())
          .locations(dialect.migrations())
          .javaMigrations(new WordIndex(dialect))
          .load()
          .migrate();
      return new Database(dialect, pools, dialect.databaseFile(jdbcUrl));
    } catch (FlywayException | PoolInitializationException | UncheckedIOException e) {
      close(pools);
      throw new StorageException(
          StorageException.Kind.UNAVAILABLE, "the database cannot be opened: " + firstLine(e), e);
    } catch (IllegalArgumentException e) {
      close(pools);
      throw e;
    } catch (RuntimeException e) {
      close(pools);
      // What the driver says repeats the URL, which may hold a password.
      throw new IllegalArgumentException(
          "the database URL cannot be used: no driver understands it", e);
    }
  }

  private static void close(Pools pools) {
    if (pools != null) {
      pools.close();
    }
  }

  static HikariConfig pool(String jdbcUrl, String name, int connections) {
    HikariConfig config = new HikariConfig();
    config.setPoolName(name);
    config.setJdbcUrl(jdbcUrl);
    config.setMaximumPoolSize(connections);
    config.setMinimumIdle(1);
    config.setConnectionTimeout(CONNECTION_WAIT_MILLIS);
    config.setValidationTimeout(2_000);
    return config;
  }

  Dialect dialect() {
    return dialect;
  }

  /** Reads in one snapshot. */
  <T> T read(HandleCallback<T, RuntimeException> work) {
    try {
      return reads.inTransaction(work);
    } catch (JdbiException e) {
      throw translated(e);
    }
  }

  /** Writes in one transaction. */
  <T> T write(HandleCallback<T, RuntimeException> work) {
    try {
      return writes.inTransaction(work);
    } catch (JdbiException e) {
      throw translated(e);
    }
  }

  /** Writes in one transaction. */
  void writeOnly(HandleConsumer<RuntimeException> work) {
    write(
        handle -> {
          work.useHandle(handle);
          return null;
        });
  }

  /**
   * Reads something from the database, to see that it can.
   *
   * @throws StorageException when it cannot
   */
  public void check() {
    file.ifPresent(DatabaseFile::check);
    read(handle -> handle.select("SELECT id FROM feature LIMIT 1").mapTo(Long.class).findFirst());
  }

  /** Whether every connection for reading is in use, so that a check may only have waited. */
  public boolean isBusy() {
    HikariPoolMXBean reads = pools.reads().getHikariPoolMXBean();
    return reads.getActiveConnections() >= pools.reads().getMaximumPoolSize();
  }

  /** The pools by name, for their gauges. */
  public Map<String, HikariPoolMXBean> pools() {
    return Map.of(
        "reads",
        pools.reads().getHikariPoolMXBean(),
        "writes",
        pools.writes().getHikariPoolMXBean());
  }

  @Override
  public void close() {
    pools.close();
  }

  private RuntimeException translated(JdbiException failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException error) {
        Optional<StorageException.Kind> kind =
            error instanceof SQLTransientConnectionException
                ? Optional.of(StorageException.Kind.UNAVAILABLE)
                : dialect.kindOf(error);
        if (kind.isPresent()) {
          return new StorageException(
              kind.get(),
              (kind.get() == StorageException.Kind.FULL
                      ? "the database has no room left: "
                      : "the database cannot do this now: ")
                  + firstLine(error),
              failure);
        }
      }
    }
    return failure;
  }

  private static String firstLine(Throwable failure) {
    Throwable deepest = failure;
    while (deepest.getCause() != null) {
      deepest = deepest.getCause();
    }
    return String.valueOf(deepest.getMessage()).lines().findFirst().orElse("no message");
  }
}
