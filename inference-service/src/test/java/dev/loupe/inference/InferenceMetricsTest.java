package dev.loupe.inference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.inference.scheduling.Work;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.server.metrics.MetricCatalogue;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InferenceMetricsTest {
  @Test
  void theCatalogueKeepsTheRules() {
    assertThat(MetricCatalogue.problems(List.of(InferenceMetric.values()))).isEmpty();
    assertThat(MetricCatalogue.prometheusName(InferenceMetric.TOKENS))
        .isEqualTo("loupe_inference_tokens_total");
  }

  @Test
  void everyMetricIsThereFromTheStartAndCounts(@TempDir Path folder) {
    try (TinyServer tiny = new TinyServer(folder)) {
      MeterRegistry registry = tiny.server().registry();
      for (InferenceMetric metric : InferenceMetric.values()) {
        assertThat(registry.find(metric.id()).meters()).as(metric.id()).isNotEmpty();
      }
      tiny.stub()
          .generateText(
              GenerateTextRequest.newBuilder()
                  .setModel(TinyServer.MODEL)
                  .addPrompts(TinyServer.prompt(1, 2, 3))
                  .setMaxNewTokens(4)
                  .setTemperature(1)
                  .build())
          .forEachRemaining(step -> {});
      double generated = registry.get("loupe.inference.generated").counter().count();
      assertThat(generated).isBetween(1.0, 4.0);
      // The last token is never run.
      assertThat(registry.get(InferenceMetric.TOKENS.id()).counter().count())
          .isEqualTo(3 + generated - 1);
      assertThat(registry.get("loupe.inference.forward").timer().count())
          .isEqualTo((long) generated);
    }
  }

  @Test
  void batchSizesAndWaitsAreCountedInBuckets() {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    InferenceMetrics metrics = new InferenceMetrics(registry);
    metrics.ran(new Work("m", 31, 500), 1_000_000);
    metrics.ran(new Work("m", 1, 16), 1_000_000);
    metrics.waited(20_000_000);
    assertThat(registry.scrape())
        .contains("loupe_inference_batch_size_rows_bucket{le=\"1.0\"} 1")
        .contains("loupe_inference_batch_size_rows_bucket{le=\"32.0\"} 2")
        .contains("loupe_inference_queue_wait_seconds_bucket{le=\"0.01\"} 0")
        .contains("loupe_inference_queue_wait_seconds_bucket{le=\"0.03\"} 1");
  }
}
