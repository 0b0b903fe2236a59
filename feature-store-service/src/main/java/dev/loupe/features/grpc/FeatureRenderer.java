package dev.loupe.features.grpc;

import com.google.protobuf.Timestamp;
import dev.loupe.features.domain.FeatureDetails;
import dev.loupe.features.domain.FeatureLabel;
import dev.loupe.features.domain.FeatureStatistics;
import dev.loupe.features.domain.LogitEffects;
import dev.loupe.features.domain.StoredFeature;
import dev.loupe.proto.features.v1.ActivationHistogram;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureExample;
import dev.loupe.proto.features.v1.FeatureNeighbour;
import dev.loupe.proto.features.v1.TokenEffect;
import java.time.Instant;
import java.util.List;

/** Writes features as messages. */
final class FeatureRenderer {
  private FeatureRenderer() {}

  static Feature message(StoredFeature feature) {
    Feature.Builder message =
        Feature.newBuilder()
            .setName(FeatureNames.format(feature.id()))
            .setStatistics(statistics(feature.statistics()));
    for (FeatureLabel label : feature.labels()) {
      message.addLabels(
          dev.loupe.proto.features.v1.FeatureLabel.newBuilder()
              .setName(FeatureNames.format(feature.id(), label.name()))
              .setText(label.text())
              .setSource(label.source())
              .setScore(label.score()));
    }
    feature
        .full()
        .ifPresent(
            full -> {
              addDetails(message, full.details());
              message.setUpdateTime(timestamp(full.updateTime()));
            });
    return message.build();
  }

  private static dev.loupe.proto.features.v1.FeatureStatistics statistics(
      FeatureStatistics statistics) {
    return dev.loupe.proto.features.v1.FeatureStatistics.newBuilder()
        .setActivations(statistics.activations())
        .setDensity(statistics.density())
        .setMaxActivation(statistics.maxActivation())
        .setMeanActivation(statistics.meanActivation())
        .build();
  }

  private static void addDetails(Feature.Builder message, FeatureDetails details) {
    details
        .histogram()
        .ifPresent(
            histogram ->
                message.setHistogram(
                    ActivationHistogram.newBuilder()
                        .setLower(histogram.lower())
                        .setUpper(histogram.upper())
                        .addAllCounts(histogram.counts())));
    details
        .examples()
        .forEach(
            example ->
                message.addExamples(
                    FeatureExample.newBuilder()
                        .addAllTokens(example.tokens())
                        .addAllValues(example.values())
                        .setPeak(example.peak())
                        .addAllIds(example.ids())
                        .setText(example.text())
                        .addAllByteEnds(example.byteEnds())));
    addLogits(message, details.logits());
    details
        .neighbours()
        .forEach(
            neighbour ->
                message.addNeighbours(
                    FeatureNeighbour.newBuilder()
                        .setFeature(neighbour.index())
                        .setCosine(neighbour.cosine())));
  }

  private static void addLogits(Feature.Builder message, LogitEffects logits) {
    message
        .addAllTopLogits(effects(logits.top()))
        .addAllBottomLogits(effects(logits.bottom()))
        .addAllRawTopLogits(effects(logits.rawTop()))
        .addAllRawBottomLogits(effects(logits.rawBottom()))
        .setFinalNormScale(logits.finalNormScale());
  }

  private static List<TokenEffect> effects(List<dev.loupe.features.domain.TokenEffect> effects) {
    return effects.stream()
        .map(
            effect ->
                TokenEffect.newBuilder()
                    .setId(effect.id())
                    .setToken(effect.token())
                    .setLogit(effect.logit())
                    .build())
        .toList();
  }

  private static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }
}
