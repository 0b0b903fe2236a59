package dev.loupe.sae;

import dev.loupe.server.metrics.MetricSpec;

/** Every metric of the sae service. */
public enum SaeMetric implements MetricSpec {
  TRAINED("trained", Type.COUNTER, "rows", "Activations that dictionaries were trained on."),
  TRAINING_RATE(
      "training.rate", Type.GAUGE, "rows_per_second", "How fast the latest training went lately."),
  LOSS("training.loss", Type.GAUGE, "squared_units", "Loss of the latest training step."),
  EXPLAINED_VARIANCE(
      "training.explained.variance",
      Type.GAUGE,
      "ratio",
      "Explained variance of the latest batch."),
  L0("training.l0", Type.GAUGE, "features", "Mean active features of the latest batch."),
  DEAD("training.dead", Type.GAUGE, "ratio", "Share of features that count as dead."),
  ENCODED("encoded", Type.COUNTER, "rows", "Activations encoded for clients."),
  ENCODING("encoding", Type.TIMER, "seconds", "Time to encode one batch for a client."),
  DECODED("decoded", Type.COUNTER, "rows", "Rows of features decoded for clients."),
  EVALUATED("evaluated", Type.COUNTER, "rows", "Rows of tokens that evaluations ran."),
  PUBLISHED("published", Type.COUNTER, "features", "Features written to the feature store."),
  OPERATIONS("unfinished", Type.GAUGE, "operations", "Operations that run or wait."),
  MEMORY("memory", Type.GAUGE, "bytes", "Memory that operations and streams have reserved.");

  private final String id;
  private final Type type;
  private final String unit;
  private final String help;

  SaeMetric(String name, Type type, String unit, String help) {
    this.id = "loupe.sae." + name;
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
