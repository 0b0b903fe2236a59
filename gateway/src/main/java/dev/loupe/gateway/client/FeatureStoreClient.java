package dev.loupe.gateway.client;

import com.google.common.collect.Iterables;
import dev.loupe.gateway.analysis.Label;
import dev.loupe.gateway.analysis.Labels;
import dev.loupe.gateway.proxy.Upstream;
import dev.loupe.proto.features.v1.BatchGetFeaturesRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.features.v1.FeatureView;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads labels from the feature store. */
public final class FeatureStoreClient implements Labels {
  private static final int MAX_FEATURES = 1_000;

  private final Upstream upstream;

  /** Asks this service. */
  public FeatureStoreClient(Upstream upstream) {
    this.upstream = upstream;
  }

  @Override
  public Map<Long, List<Label>> of(String dictionary, Collection<Long> features) {
    Map<Long, List<Label>> labels = new HashMap<>();
    for (List<Long> some : Iterables.partition(features, MAX_FEATURES)) {
      BatchGetFeaturesRequest request =
          BatchGetFeaturesRequest.newBuilder()
              .setParent(dictionary)
              .addAllFeatures(some)
              .setView(FeatureView.FEATURE_VIEW_BASIC)
              .build();
      List<Feature> found =
          upstream
              .ask(
                  () ->
                      FeatureStoreServiceGrpc.newBlockingStub(upstream.calls())
                          .batchGetFeatures(request))
              .getFeaturesList();
      for (Feature feature : found) {
        if (feature.getLabelsCount() > 0) {
          labels.put(index(feature.getName()), labels(feature));
        }
      }
    }
    return labels;
  }

  private static long index(String name) {
    return Long.parseLong(name.substring(name.lastIndexOf('/') + 1));
  }

  private static List<Label> labels(Feature feature) {
    return feature.getLabelsList().stream()
        .map(
            label ->
                new Label(label.getName(), label.getText(), label.getSource(), label.getScore()))
        .toList();
  }
}
