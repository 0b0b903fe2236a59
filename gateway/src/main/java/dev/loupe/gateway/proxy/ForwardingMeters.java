package dev.loupe.gateway.proxy;

import dev.loupe.gateway.GatewayMetrics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.concurrent.atomic.AtomicInteger;

/** What is counted of the calls to one service. */
final class ForwardingMeters {
  private final AtomicInteger open = new AtomicInteger();
  private final Counter sent;
  private final Counter received;
  private final Counter unavailable;

  ForwardingMeters(MeterRegistry registry, String service) {
    GatewayMetrics.FORWARDED_OPEN.gauge(registry, open::get, "service", service);
    sent = GatewayMetrics.FORWARDED_SENT.counter(registry, "service", service);
    received = GatewayMetrics.FORWARDED_RECEIVED.counter(registry, "service", service);
    unavailable = GatewayMetrics.UNAVAILABLE.counter(registry, "service", service);
  }

  void opened() {
    open.incrementAndGet();
  }

  void closed() {
    open.decrementAndGet();
  }

  void sent(int bytes) {
    sent.increment(bytes);
  }

  void received(int bytes) {
    received.increment(bytes);
  }

  void unavailable() {
    unavailable.increment();
  }
}
