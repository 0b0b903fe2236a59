package dev.loupe.standalone.client;

import com.google.common.collect.Lists;
import com.google.common.primitives.Longs;
import dev.loupe.proto.features.v1.BatchGetFeaturesRequest;
import dev.loupe.proto.features.v1.BatchUpsertLabelsRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureExample;
import dev.loupe.proto.features.v1.FeatureLabel;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.features.v1.FeatureView;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.features.v1.TokenEffect;
import io.grpc.Channel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Asks the feature store about one dictionary's features. */
public final class FeatureClient {
  private static final long DEADLINE_SECONDS = 60;
  private static final int BATCH = 200;

  private final Channel channel;
  private final String dictionary;

  FeatureClient(Channel channel, String dictionary) {
    this.channel = channel;
    this.dictionary = dictionary;
  }

  /** Whether any feature of the dictionary is stored. */
  public boolean any() {
    return call()
            .listFeatures(
                ListFeaturesRequest.newBuilder().setParent(dictionary).setPageSize(1).build())
            .getFeaturesCount()
        > 0;
  }

  /** Features as they are stored; those that are not are left out. */
  public List<FeatureSummary> get(List<Integer> features) {
    return Lists.partition(features, BATCH).stream()
        .flatMap(part -> getBatch(part).stream())
        .map(FeatureClient::summary)
        .toList();
  }

  /** Stores labels under one source, replacing what that source said of these features before. */
  public void label(String source, List<ConceptLabel> labels) {
    for (List<ConceptLabel> part : Lists.partition(labels, BATCH)) {
      BatchUpsertLabelsRequest.Builder request =
          BatchUpsertLabelsRequest.newBuilder().setParent(dictionary);
      for (ConceptLabel label : part) {
        request.addLabels(
            FeatureLabel.newBuilder()
                .setName(dictionary + "/features/" + label.feature() + "/labels/" + source)
                .setText(label.text())
                .setSource(source)
                .setScore(label.score()));
      }
      call().batchUpsertLabels(request.build());
    }
  }

  private List<Feature> getBatch(List<Integer> features) {
    return call()
        .batchGetFeatures(
            BatchGetFeaturesRequest.newBuilder()
                .setParent(dictionary)
                .addAllFeatures(
                    Longs.asList(features.stream().mapToLong(Integer::longValue).toArray()))
                .setView(FeatureView.FEATURE_VIEW_FULL)
                .build())
        .getFeaturesList();
  }

  private FeatureStoreServiceGrpc.FeatureStoreServiceBlockingStub call() {
    return FeatureStoreServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
  }

  private static FeatureSummary summary(Feature feature) {
    return new FeatureSummary(
        index(feature.getName()),
        feature.getStatistics().getDensity(),
        feature.getStatistics().getMaxActivation(),
        feature.getLabelsCount() == 0 ? "" : feature.getLabels(0).getText(),
        feature.getExamplesList().stream().map(FeatureClient::peak).distinct().toList(),
        feature.getTopLogitsList().stream().map(TokenEffect::getToken).toList());
  }

  /** The strongest token, with the whole of the characters that it holds parts of. */
  private static String peak(FeatureExample example) {
    if (example.getByteEndsCount() == 0) {
      return example.getTokens(example.getPeak());
    }
    byte[] text = example.getText().getBytes(StandardCharsets.UTF_8);
    int from = example.getPeak() == 0 ? 0 : example.getByteEnds(example.getPeak() - 1);
    int to = example.getByteEnds(example.getPeak());
    while (isInsideCharacter(text, from)) {
      from--;
    }
    while (isInsideCharacter(text, to)) {
      to++;
    }
    return new String(text, from, to - from, StandardCharsets.UTF_8);
  }

  /** UTF-8's bytes of the form 10xxxxxx go on with a character. */
  private static boolean isInsideCharacter(byte[] text, int at) {
    return at < text.length && (text[at] & 0xc0) == 0x80;
  }

  static int index(String name) {
    return Integer.parseInt(name.substring(name.lastIndexOf('/') + 1));
  }
}
