package dev.loupe.features;

import dev.loupe.features.domain.Feature;
import dev.loupe.features.domain.FeatureId;
import dev.loupe.features.domain.FeatureMatches;
import dev.loupe.features.domain.FeaturePage;
import dev.loupe.features.domain.FeatureQuery;
import dev.loupe.features.domain.FeatureRepository;
import dev.loupe.features.domain.FeatureSearch;
import dev.loupe.features.domain.FeatureView;
import dev.loupe.features.domain.LabelEntry;
import dev.loupe.features.domain.StorageException;
import dev.loupe.features.domain.StoredFeature;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.List;
import java.util.function.Supplier;

/** Times and counts what a repository does. */
final class MeasuredFeatureRepository implements FeatureRepository {
  private final FeatureRepository repository;
  private final MeterRegistry registry;
  private final Counter features;
  private final Counter labels;

  MeasuredFeatureRepository(FeatureRepository repository, MeterRegistry registry) {
    this.repository = repository;
    this.registry = registry;
    this.features = FeatureStoreMetrics.FEATURES_WRITTEN.counter(registry);
    this.labels = FeatureStoreMetrics.LABELS_WRITTEN.counter(registry);
  }

  @Override
  public void upsert(String dictionary, List<Feature> written) {
    timed("upsert", () -> repository.upsert(dictionary, written));
    features.increment(written.size());
    labels.increment(written.stream().mapToInt(feature -> feature.labels().size()).sum());
  }

  @Override
  public List<StoredFeature> get(String dictionary, List<Long> indices, FeatureView view) {
    return timed("get", () -> repository.get(dictionary, indices, view));
  }

  @Override
  public FeaturePage list(FeatureQuery query) {
    return timed("list", () -> repository.list(query));
  }

  @Override
  public FeatureMatches search(FeatureSearch search) {
    return timed("search", () -> repository.search(search));
  }

  @Override
  public void delete(FeatureId id) {
    timed("delete", () -> repository.delete(id));
  }

  @Override
  public long deleteAll(String dictionary) {
    return timed("delete_all", () -> repository.deleteAll(dictionary));
  }

  @Override
  public void upsertLabels(String dictionary, List<LabelEntry> written) {
    timed("upsert_labels", () -> repository.upsertLabels(dictionary, written));
    labels.increment(written.size());
  }

  @Override
  public void deleteLabel(FeatureId id, String label) {
    timed("delete_label", () -> repository.deleteLabel(id, label));
  }

  private void timed(String operation, Runnable work) {
    timed(
        operation,
        () -> {
          work.run();
          return null;
        });
  }

  private <T> T timed(String operation, Supplier<T> work) {
    Timer.Sample sample = Timer.start(registry);
    String outcome = "refused";
    try {
      T result = work.get();
      outcome = "ok";
      return result;
    } catch (StorageException e) {
      outcome = "failed";
      throw e;
    } finally {
      sample.stop(
          FeatureStoreMetrics.OPERATION.timer(
              registry, "operation", operation, "outcome", outcome));
    }
  }
}
