package dev.loupe.features;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.loupe.proto.features.v1.BatchUpsertFeaturesRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureLabel;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc.FeatureStoreServiceBlockingStub;
import dev.loupe.proto.features.v1.GetFeatureRequest;
import dev.loupe.server.metrics.MetricCatalogue;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.MeterRegistry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeatureStoreMetricsTest {
  @TempDir Path folder;

  @Test
  void theCatalogueFollowsTheRules() {
    assertThat(MetricCatalogue.problems(List.of(FeatureStoreMetrics.values()))).isEmpty();
  }

  @Test
  void theReadmeListsTheCatalogue() {
    assertThat(Path.of("README.md"))
        .content(StandardCharsets.UTF_8)
        .contains(MetricCatalogue.markdown(List.of(FeatureStoreMetrics.values())));
  }

  @Test
  void countsWhatIsWrittenAndTimesOperations() {
    try (RunningStore store = new RunningStore("jdbc:sqlite:" + folder.resolve("features.db"))) {
      MeterRegistry registry = store.registry();
      FeatureStoreServiceBlockingStub stub =
          FeatureStoreServiceGrpc.newBlockingStub(store.channel());
      stub.batchUpsertFeatures(
          BatchUpsertFeaturesRequest.newBuilder()
              .setParent("dictionaries/d")
              .addFeatures(Feature.newBuilder().setName("dictionaries/d/features/1"))
              .addFeatures(
                  Feature.newBuilder()
                      .setName("dictionaries/d/features/2")
                      .addLabels(
                          FeatureLabel.newBuilder()
                              .setName("dictionaries/d/features/2/labels/a")
                              .setText("text")
                              .setSource("test")))
              .build());
      assertThatExceptionOfType(StatusRuntimeException.class)
          .isThrownBy(
              () -> stub.getFeature(GetFeatureRequest.newBuilder().setName("nothing").build()));

      assertThat(registry.get("loupe.featurestore.written").counter().count()).isEqualTo(2);
      assertThat(registry.get("loupe.featurestore.labelled").counter().count()).isEqualTo(1);
      assertThat(
              registry
                  .get("loupe.featurestore.operation")
                  .tags("operation", "upsert", "outcome", "ok")
                  .timer()
                  .count())
          .isEqualTo(1);
      assertThat(
              registry.get("loupe.featurestore.pool.idle").tags("pool", "writes").gauge().value())
          .isEqualTo(1);
      for (FeatureStoreMetrics metric : FeatureStoreMetrics.values()) {
        assertThat(registry.find(metric.id()).meters()).as(metric.id()).isNotEmpty();
      }
    }
  }
}
