package dev.loupe.inference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.server.metrics.MetricCatalogue;
import io.micrometer.core.instrument.MeterRegistry;
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
}
