package dev.loupe.testkit.features;

import dev.loupe.proto.features.v1.ActivationHistogram;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureExample;
import dev.loupe.proto.features.v1.FeatureNeighbour;
import dev.loupe.proto.features.v1.FeatureStatistics;
import dev.loupe.proto.features.v1.TokenEffect;
import java.util.Random;

/** Features to write in tests. */
final class Features {
  private Features() {}

  static FeatureStatistics statistics(double density, double max, double mean) {
    return FeatureStatistics.newBuilder()
        .setActivations(1_000)
        .setDensity(density)
        .setMaxActivation(max)
        .setMeanActivation(mean)
        .build();
  }

  /** An example whose last token is the peak. */
  static FeatureExample example(String... tokens) {
    FeatureExample.Builder example = FeatureExample.newBuilder().setPeak(tokens.length - 1);
    for (int i = 0; i < tokens.length; i++) {
      example.addTokens(tokens[i]).addValues(i == tokens.length - 1 ? 2.5f : 0);
    }
    return example.build();
  }

  /** An example whose tokens end in the middle of characters, so that only its text has them. */
  static FeatureExample whole(String text, int... byteEnds) {
    FeatureExample.Builder example = FeatureExample.newBuilder().setText(text);
    for (int i = 0; i < byteEnds.length; i++) {
      example.addIds(100 + i).addTokens("\ufffd").addValues(i).addByteEnds(byteEnds[i]);
    }
    return example.setPeak(byteEnds.length - 1).build();
  }

  static TokenEffect effect(int id, String token, float logit) {
    return TokenEffect.newBuilder().setId(id).setToken(token).setLogit(logit).build();
  }

  /** Sets everything but name and labels, from a seed. */
  static Feature.Builder fill(Feature.Builder feature, long seed) {
    Random random = new Random(seed);
    feature.setStatistics(
        FeatureStatistics.newBuilder()
            .setActivations(random.nextLong() >>> 1)
            .setDensity(random.nextDouble())
            .setMaxActivation(random.nextDouble() * 100)
            .setMeanActivation(random.nextDouble() * 10));
    ActivationHistogram.Builder histogram =
        ActivationHistogram.newBuilder().setLower(0).setUpper(random.nextDouble() * 100);
    for (int i = 0; i < 40; i++) {
      histogram.addCounts(random.nextInt(1_000_000));
    }
    feature.setHistogram(histogram);
    for (int i = 0; i < 20; i++) {
      FeatureExample.Builder example = FeatureExample.newBuilder().setPeak(random.nextInt(24));
      for (int t = 0; t < 24; t++) {
        example.addTokens(" tok" + random.nextInt(2_000)).addValues(random.nextFloat() * 10);
      }
      feature.addExamples(example);
    }
    for (int i = 0; i < 10; i++) {
      feature.addTopLogits(effect(random.nextInt(50_257), " up" + i, random.nextFloat() * 5));
      feature.addBottomLogits(effect(random.nextInt(50_257), " down" + i, -random.nextFloat()));
      feature.addNeighbours(
          FeatureNeighbour.newBuilder()
              .setFeature(random.nextInt(10_000))
              .setCosine(random.nextFloat() * 2 - 1));
      feature.addRawTopLogits(effect(random.nextInt(50_257), " raw" + i, random.nextFloat() * 5));
      feature.addRawBottomLogits(effect(i, " low" + i, -random.nextFloat()));
    }
    feature.setFinalNormScale(random.nextDouble() * 30);
    return feature;
  }
}
