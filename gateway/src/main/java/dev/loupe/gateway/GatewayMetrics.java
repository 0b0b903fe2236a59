package dev.loupe.gateway;

import dev.loupe.server.metrics.MetricSpec;

/** Everything that the gateway measures beside the calls themselves. */
public enum GatewayMetrics implements MetricSpec {
  FORWARDED_OPEN(
      "loupe.gateway.forwarded.open",
      Type.GAUGE,
      "calls",
      "Calls that are open to a service behind the gateway."),
  FORWARDED_SENT(
      "loupe.gateway.forwarded.sent",
      Type.COUNTER,
      "bytes",
      "Messages passed on to a service, framing not counted."),
  FORWARDED_RECEIVED(
      "loupe.gateway.forwarded.received",
      Type.COUNTER,
      "bytes",
      "Messages passed on from a service, framing not counted."),
  UNAVAILABLE(
      "loupe.gateway.unavailable",
      Type.COUNTER,
      "calls",
      "Calls that ended because a service could not be reached or refused for want of resources."),
  ANALYSIS(
      "loupe.gateway.analysis",
      Type.TIMER,
      "seconds",
      "Time that AnalyzePrompt took, well or not."),
  ANALYZED_TOKENS(
      "loupe.gateway.analyzed",
      Type.COUNTER,
      "tokens",
      "Tokens that AnalyzePrompt looked at, the beginning-of-text token among them.");

  private final String id;
  private final Type type;
  private final String unit;
  private final String help;

  GatewayMetrics(String id, Type type, String unit, String help) {
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
