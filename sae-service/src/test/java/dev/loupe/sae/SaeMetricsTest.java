package dev.loupe.sae;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.sae.training.TrainingStatus;
import dev.loupe.server.metrics.MetricCatalogue;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class SaeMetricsTest {

  @Test
  void theCatalogueKeepsTheRules() {
    assertThat(MetricCatalogue.problems(List.of(SaeMetric.values()))).isEmpty();
  }

  @Test
  void showsTheLatestTraining() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    SaeMetrics metrics = new SaeMetrics(registry);
    metrics.training(
        new TrainingStatus(5, 10, 320, 1e5, 2.5, 3.5, 0.75, 8, 0.1, 1e-3, Duration.ofSeconds(1)));
    assertThat(registry.get("loupe.sae.training.loss").gauge().value()).isEqualTo(2.5);
    assertThat(registry.get("loupe.sae.training.explained.variance").gauge().value())
        .isEqualTo(0.75);
    assertThat(registry.get("loupe.sae.training.l0").gauge().value()).isEqualTo(8);
    assertThat(registry.get("loupe.sae.training.dead").gauge().value()).isEqualTo(0.1);
    metrics.encoded(7, Duration.ofMillis(3));
    assertThat(registry.get("loupe.sae.encoded").counter().count()).isEqualTo(7);
  }
}
