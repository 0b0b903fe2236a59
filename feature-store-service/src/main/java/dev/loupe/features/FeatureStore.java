package dev.loupe.features;

import dev.loupe.features.domain.FeatureRepository;
import dev.loupe.features.domain.StorageException;
import dev.loupe.features.grpc.FeatureStoreGrpcService;
import dev.loupe.features.storage.Database;
import dev.loupe.features.storage.SqlFeatureRepository;
import dev.loupe.server.LoupeService;
import dev.loupe.server.ServiceHealth;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.BindableService;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Clock;
import java.util.List;

/** The feature store over one database, ready to be served. */
public final class FeatureStore implements LoupeService {
  private final Database database;
  private final FeatureRepository repository;

  private FeatureStore(Database database, FeatureRepository repository) {
    this.database = database;
    this.repository = repository;
  }

  /**
   * Opens a database and brings its schema up to date.
   *
   * @param jdbcUrl {@code jdbc:sqlite:FILE} or {@code
   *     jdbc:postgresql://HOST/DATABASE?user=USER&password=PASSWORD}
   * @param connections for reading at the same time, 1 or more
   * @param registry for the meters of {@link FeatureStoreMetrics}
   * @throws LoupeException INVALID_VALUE for another URL; STORAGE_UNAVAILABLE when the database
   *     cannot be opened or migrated
   */
  public static FeatureStore open(String jdbcUrl, int connections, MeterRegistry registry) {
    if (connections < 1) {
      throw LoupeException.invalidValue("connections", connections, "1 or more");
    }
    Database database;
    try {
      database = Database.open(jdbcUrl, connections);
    } catch (IllegalArgumentException e) {
      throw LoupeException.of(ErrorReason.INVALID_VALUE, e.getMessage(), e);
    } catch (StorageException e) {
      throw LoupeException.of(ErrorReason.STORAGE_UNAVAILABLE, e.getMessage(), e);
    }
    database
        .pools()
        .forEach(
            (name, pool) -> {
              FeatureStoreMetrics.POOL_ACTIVE.gauge(
                  registry, pool::getActiveConnections, "pool", name);
              FeatureStoreMetrics.POOL_IDLE.gauge(registry, pool::getIdleConnections, "pool", name);
              FeatureStoreMetrics.POOL_WAITING.gauge(
                  registry, pool::getThreadsAwaitingConnection, "pool", name);
            });
    return new FeatureStore(
        database,
        new MeasuredFeatureRepository(
            new SqlFeatureRepository(database, Clock.systemUTC()), registry));
  }

  @Override
  public List<BindableService> services() {
    return List.of(new FeatureStoreGrpcService(repository));
  }

  /** Reads from the database. That all connections are busy is no fault of it. */
  @Override
  public ServiceHealth check() {
    try {
      database.check();
      return ServiceHealth.GOOD;
    } catch (StorageException e) {
      return database.isBusy()
          ? ServiceHealth.warning("every database connection is busy: " + e.getMessage())
          : ServiceHealth.problem(e.getMessage());
    }
  }

  @Override
  public void close() {
    database.close();
  }
}
