package dev.loupe.inference;

import dev.loupe.server.metrics.MetricSpec;

/** Every metric of the inference service. */
public enum InferenceMetric implements MetricSpec {
  TOKENS("", Type.COUNTER, "tokens", "Tokens run through a model, padding not counted."),
  GENERATED("generated", Type.COUNTER, "tokens", "Tokens sampled by text generation."),
  FORWARD("forward", Type.TIMER, "seconds", "Time that one turn on the device took."),
  QUEUE_WAIT("queue.wait", Type.TIMER, "seconds", "Time that requests waited for the device."),
  QUEUE_DEPTH("queue.depth", Type.GAUGE, "requests", "Requests that wait for the device."),
  BATCH_SIZE("batch.size", Type.SUMMARY, "rows", "Rows that ran together."),
  CAPTURED("captured", Type.COUNTER, "bytes", "Activations sent to clients."),
  RESERVED("memory.reserved", Type.GAUGE, "bytes", "Memory reserved by requests."),
  HOOK_PAUSES("hook", Type.COUNTER, "pauses", "Times that a pass waited for its client."),
  MODELS("loaded", Type.GAUGE, "models", "Models that are loaded.");

  private final String id;
  private final Type type;
  private final String unit;
  private final String help;

  InferenceMetric(String name, Type type, String unit, String help) {
    this.id = name.isEmpty() ? "loupe.inference" : "loupe.inference." + name;
    this.type = type;
    this.unit = unit;
    this.help = help;
  }

  @Override
  public double[] buckets() {
    return switch (this) {
      case BATCH_SIZE -> new double[] {1, 2, 4, 8, 16, 32, 64, 128, 256};
      case QUEUE_WAIT -> new double[] {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};
      default -> new double[0];
    };
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
