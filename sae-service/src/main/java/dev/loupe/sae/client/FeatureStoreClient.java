package dev.loupe.sae.client;

import dev.loupe.proto.features.v1.ActivationHistogram;
import dev.loupe.proto.features.v1.BatchUpsertFeaturesRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc.FeatureStoreServiceBlockingStub;
import dev.loupe.sae.publishing.FeatureExample;
import dev.loupe.sae.publishing.FeatureNeighbour;
import dev.loupe.sae.publishing.FeatureSink;
import dev.loupe.sae.publishing.FeatureStatistics;
import dev.loupe.sae.publishing.LogitEffects;
import dev.loupe.sae.publishing.PublishedFeature;
import dev.loupe.sae.publishing.TokenEffect;
import dev.loupe.server.errors.ErrorReason;
import io.grpc.ManagedChannel;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The feature store as this service uses it. While it is away, writes wait and try again for as
 * long as the patience lasts, then fail with SERVICE_UNAVAILABLE.
 */
public final class FeatureStoreClient implements FeatureSink {
  private static final long CALL_SECONDS = 120;

  private final ManagedChannel channel;
  private final FeatureStoreServiceBlockingStub stub;
  private final Patience patience;
  private final Runnable stop;

  /** A client over a channel that its caller closes; waiting ends when {@code stop} throws. */
  public FeatureStoreClient(ManagedChannel channel, Patience patience, Runnable stop) {
    this.channel = channel;
    this.stub = FeatureStoreServiceGrpc.newBlockingStub(channel);
    this.patience = patience;
    this.stop = stop;
  }

  @Override
  public void write(String dictionary, List<PublishedFeature> features) {
    String parent = "dictionaries/" + dictionary;
    BatchUpsertFeaturesRequest.Builder request =
        BatchUpsertFeaturesRequest.newBuilder().setParent(parent);
    features.forEach(feature -> request.addFeatures(message(parent, feature)));
    try {
      new Attempts(patience, stop, channel)
          .of(
              () ->
                  stub.withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS)
                      .batchUpsertFeatures(request.build()));
    } catch (RuntimeException e) {
      throw Failures.of("feature store", ErrorReason.SERVICE_UNAVAILABLE, e);
    }
  }

  private static Feature message(String parent, PublishedFeature feature) {
    FeatureStatistics statistics = feature.statistics();
    Feature.Builder message =
        Feature.newBuilder()
            .setName(parent + "/features/" + feature.index())
            .setStatistics(
                dev.loupe.proto.features.v1.FeatureStatistics.newBuilder()
                    .setActivations(statistics.activations())
                    .setDensity(statistics.density())
                    .setMaxActivation(statistics.max())
                    .setMeanActivation(statistics.mean()));
    if (statistics.fired() > 0) {
      ActivationHistogram.Builder histogram =
          ActivationHistogram.newBuilder().setLower(0).setUpper(statistics.histogramUpper());
      for (long count : statistics.histogram()) {
        histogram.addCounts(count);
      }
      message.setHistogram(histogram);
    }
    for (FeatureExample example : feature.examples()) {
      message.addExamples(
          dev.loupe.proto.features.v1.FeatureExample.newBuilder()
              .addAllTokens(example.tokens())
              .addAllValues(example.values())
              .setPeak(example.peak())
              .addAllIds(example.ids())
              .setText(example.text())
              .addAllByteEnds(example.byteEnds()));
    }
    LogitEffects effects = feature.effects();
    effects.direct().top().forEach(effect -> message.addTopLogits(message(effect)));
    effects.direct().bottom().forEach(effect -> message.addBottomLogits(message(effect)));
    effects.raw().top().forEach(effect -> message.addRawTopLogits(message(effect)));
    effects.raw().bottom().forEach(effect -> message.addRawBottomLogits(message(effect)));
    message.setFinalNormScale(effects.finalNormScale());
    for (FeatureNeighbour neighbour : feature.neighbours()) {
      message.addNeighbours(
          dev.loupe.proto.features.v1.FeatureNeighbour.newBuilder()
              .setFeature(neighbour.feature())
              .setCosine(neighbour.cosine()));
    }
    return message.build();
  }

  private static dev.loupe.proto.features.v1.TokenEffect message(TokenEffect effect) {
    return dev.loupe.proto.features.v1.TokenEffect.newBuilder()
        .setId(effect.id())
        .setToken(effect.token())
        .setLogit(effect.logit())
        .build();
  }
}
