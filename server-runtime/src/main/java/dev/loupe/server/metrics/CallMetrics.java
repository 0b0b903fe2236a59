package dev.loupe.server.metrics;

import io.grpc.ServerInterceptor;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.grpc.MetricCollectingServerInterceptor;
import java.time.Duration;

/**
 * Metrics of every call: {@code grpc_server_requests_received_messages_total}, {@code
 * grpc_server_responses_sent_messages_total} and {@code grpc_server_processing_duration_seconds},
 * by service, method and status.
 */
public final class CallMetrics {
  private static final Duration[] BUCKETS = {
    Duration.ofMillis(1),
    Duration.ofMillis(5),
    Duration.ofMillis(20),
    Duration.ofMillis(100),
    Duration.ofMillis(500),
    Duration.ofSeconds(2),
    Duration.ofSeconds(10),
    Duration.ofSeconds(60)
  };

  private CallMetrics() {}

  /** An interceptor that counts and times calls in this registry. */
  public static ServerInterceptor interceptor(MeterRegistry registry) {
    return new MetricCollectingServerInterceptor(
        registry, counter -> counter, timer -> timer.serviceLevelObjectives(BUCKETS));
  }
}
