package dev.loupe.features;

import dev.loupe.server.metrics.MetricSpec;

/** Every metric of the feature store. */
public enum FeatureStoreMetrics implements MetricSpec {
  OPERATION(
      "loupe.featurestore.operation",
      Type.TIMER,
      "seconds",
      "How long the database took for an operation, by operation and outcome (ok, refused or failed)."),
  FEATURES_WRITTEN(
      "loupe.featurestore.written", Type.COUNTER, "features", "Features that were written."),
  LABELS_WRITTEN(
      "loupe.featurestore.labelled",
      Type.COUNTER,
      "labels",
      "Labels that were written, with features or by themselves."),
  POOL_ACTIVE(
      "loupe.featurestore.pool.active",
      Type.GAUGE,
      "connections",
      "Database connections in use, by pool."),
  POOL_IDLE(
      "loupe.featurestore.pool.idle",
      Type.GAUGE,
      "connections",
      "Database connections that are open and not in use, by pool."),
  POOL_WAITING(
      "loupe.featurestore.pool.waiting",
      Type.GAUGE,
      "threads",
      "Threads that wait for a database connection, by pool.");

  private final String id;
  private final Type type;
  private final String unit;
  private final String help;

  FeatureStoreMetrics(String id, Type type, String unit, String help) {
    this.id = id;
    this.type = type;
    this.unit = unit;
    this.help = help;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public Type type() {
    return type;
  }

  @Override
  public String unit() {
    return unit;
  }

  @Override
  public String help() {
    return help;
  }
}
