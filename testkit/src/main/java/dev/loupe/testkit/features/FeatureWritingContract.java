package dev.loupe.testkit.features;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.proto.features.v1.BatchGetFeaturesRequest;
import dev.loupe.proto.features.v1.BatchUpsertFeaturesRequest;
import dev.loupe.proto.features.v1.DeleteFeatureRequest;
import dev.loupe.proto.features.v1.DeleteFeaturesRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureLabel;
import dev.loupe.proto.features.v1.FeatureStatistics;
import dev.loupe.proto.features.v1.FeatureView;
import dev.loupe.proto.features.v1.GetFeatureRequest;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import io.grpc.Status;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Writing features, reading them back by name, and deleting them. */
public abstract class FeatureWritingContract extends FeatureStoreContract {

  @Test
  void givesBackWhatWasWritten() {
    Feature written =
        Features.fill(feature(7), 1)
            .addExamples(Features.example("Ünïcode ", "\0", "\uffff", "中文", " 🦜"))
            .addExamples(Features.whole("中🦜", 1, 3, 5, 7))
            .addTopLogits(Features.effect(3, "\0\n", 1))
            .addLabels(label(7, "b", "second", 0.25))
            .addLabels(label(7, "a", "first", 0.75))
            .build();
    long before = System.currentTimeMillis() / 1_000;
    write(written);

    Feature stored = read(7);

    assertThat(stored.getUpdateTime().getSeconds())
        .isBetween(before, System.currentTimeMillis() / 1_000);
    Feature expected =
        written.toBuilder()
            .clearLabels()
            .addLabels(written.getLabels(1))
            .addLabels(written.getLabels(0))
            .setUpdateTime(stored.getUpdateTime())
            .build();
    assertThat(stored).isEqualTo(expected);
  }

  @Test
  void givesBackTheLeastThatCanBeWritten() {
    write(feature(0).build());
    Feature stored = read(0);
    assertThat(stored.toBuilder().clearUpdateTime().build())
        .isEqualTo(feature(0).setStatistics(FeatureStatistics.getDefaultInstance()).build());
    assertThat(stored.hasHistogram()).isFalse();
  }

  @Test
  void givesBackTheMostThatCanBeWritten() {
    Feature.Builder largest = feature(Long.MAX_VALUE / 10);
    for (int i = 0; i < 100; i++) {
      largest.addExamples(
          Features.example(
              IntStream.range(0, 256).mapToObj(t -> "token number " + t).toArray(String[]::new)));
      largest.addTopLogits(Features.effect(i, "\u5b57".repeat(256), i));
    }
    write(largest.build());
    assertThat(read(Long.MAX_VALUE / 10).getExamplesList()).isEqualTo(largest.getExamplesList());
    assertThat(read(Long.MAX_VALUE / 10).getTopLogitsList()).isEqualTo(largest.getTopLogitsList());
  }

  @Test
  void replacesAFeatureWholeAndKeepsItsLabels() {
    write(
        Features.fill(feature(1), 1)
            .addLabels(label(1, "old", "stays", 0.5))
            .addLabels(label(1, "changed", "before", 0.4))
            .build());
    FeatureLabel changed = label(1, "changed", "after", 0.9);
    write(feature(1).setStatistics(Features.statistics(0.5, 2, 1)).addLabels(changed).build());

    Feature stored = read(1);

    assertThat(stored.getStatistics()).isEqualTo(Features.statistics(0.5, 2, 1));
    assertThat(stored.getExamplesList()).isEmpty();
    assertThat(stored.getTopLogitsList()).isEmpty();
    assertThat(stored.hasHistogram()).isFalse();
    assertThat(stored.getLabelsList()).containsExactly(changed, label(1, "old", "stays", 0.5));
  }

  @Test
  void writesAllOfARequestOrNothing() {
    write(feature(1).setStatistics(Features.statistics(0.25, 1, 1)).build());
    Feature refused = feature(2).setStatistics(Features.statistics(Double.NaN, 1, 1)).build();
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "NOT_FINITE",
        () -> write(feature(1).setStatistics(Features.statistics(0.5, 1, 1)).build(), refused),
        "features[1].statistics.density");
    assertThat(read(1).getStatistics().getDensity()).isEqualTo(0.25);
    assertNotStored(2);
  }

  @Test
  void writesNothingWhenTheStoreFindsTooManyLabels() {
    Feature.Builder full = feature(1);
    for (int i = 0; i < 100; i++) {
      full.addLabels(label(1, "label-" + i, "text", 0.5));
    }
    write(full.build());
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_VALUE",
        () ->
            write(
                feature(0).build(),
                feature(1)
                    .setStatistics(Features.statistics(0.5, 1, 1))
                    .addLabels(label(1, "one-more", "text", 0.5))
                    .build()),
        "101 labels",
        "at most 100");
    assertThat(read(1).getStatistics().getDensity()).isZero();
    assertThat(read(1).getLabelsCount()).isEqualTo(100);
    assertNotStored(0);
  }

  @Test
  void givesSeveralInTheOrderAsked() {
    write(feature(1).build(), Features.fill(feature(2), 2).build(), feature(3).build());
    List<Feature> found =
        store()
            .batchGetFeatures(
                BatchGetFeaturesRequest.newBuilder()
                    .setParent(dictionary)
                    .addAllFeatures(List.of(3L, 99L, 2L))
                    .build())
            .getFeaturesList();
    assertThat(found).containsExactly(read(3), read(2));
  }

  @Test
  void leavesDetailsOutOfTheBasicView() {
    FeatureLabel label = label(2, "a", "text", 0.5);
    write(Features.fill(feature(2), 2).addLabels(label).build());
    Feature basic =
        store()
            .batchGetFeatures(
                BatchGetFeaturesRequest.newBuilder()
                    .setParent(dictionary)
                    .addFeatures(2)
                    .setView(FeatureView.FEATURE_VIEW_BASIC)
                    .build())
            .getFeatures(0);
    assertThat(basic)
        .isEqualTo(feature(2).setStatistics(read(2).getStatistics()).addLabels(label).build());
  }

  @Test
  void refusesAnAnswerOfTooManyBytes() {
    Feature.Builder large = feature(0);
    String token = "x".repeat(255);
    String[] tokens = IntStream.range(0, 256).mapToObj(i -> token).toArray(String[]::new);
    for (int i = 0; i < 100; i++) {
      large.addExamples(Features.example(tokens));
    }
    for (int i = 0; i < 3; i++) {
      write(large.setName(name(i)).build());
    }
    assertRefused(
        Status.Code.RESOURCE_EXHAUSTED,
        "RESPONSE_TOO_LARGE",
        () ->
            store()
                .batchGetFeatures(
                    BatchGetFeaturesRequest.newBuilder()
                        .setParent(dictionary)
                        .addAllFeatures(List.of(0L, 1L, 2L))
                        .build()),
        "basic view");
    var first =
        store()
            .listFeatures(
                ListFeaturesRequest.newBuilder()
                    .setParent(dictionary)
                    .setView(FeatureView.FEATURE_VIEW_FULL)
                    .build());
    assertThat(first.getFeaturesList()).extracting(FeatureStoreContract::index).containsExactly(0L);
    assertThat(first.getNextPageToken()).isNotEmpty();
  }

  @Test
  void writesAThousandFeaturesAtOnce() {
    write(
        LongStream.range(0, 1_000)
            .mapToObj(i -> Features.fill(feature(i), i).build())
            .toArray(Feature[]::new));
    assertThat(read(999).toBuilder().clearUpdateTime().build())
        .isEqualTo(Features.fill(feature(999), 999).build());
    assertThat(
            store()
                .deleteFeatures(DeleteFeaturesRequest.newBuilder().setParent(dictionary).build())
                .getDeleted())
        .isEqualTo(1_000);
  }

  @Test
  void writersAndReadersDoNotDisturbEachOther() throws Exception {
    int writers = 4;
    int rounds = 10;
    ExecutorService threads = Executors.newFixedThreadPool(writers);
    try {
      List<Callable<Void>> work =
          IntStream.range(0, writers)
              .<Callable<Void>>mapToObj(
                  w ->
                      () -> {
                        for (int round = 0; round < rounds; round++) {
                          // Two shared features, in both orders, and one of each writer's own.
                          Feature[] batch = {
                            feature(w % 2).addLabels(label(w % 2, "w" + w, "x", 0.5)).build(),
                            feature(1 - w % 2).build(),
                            Features.fill(feature(100L + w * rounds + round), round).build()
                          };
                          write(batch);
                          assertThat(index(read(100L + w * rounds + round)))
                              .isEqualTo(100L + w * rounds + round);
                        }
                        return null;
                      })
              .toList();
      for (Future<Void> done : threads.invokeAll(work)) {
        done.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(read(0).getLabelsCount() + read(1).getLabelsCount()).isEqualTo(writers);
    assertThat(
            store()
                .listFeatures(
                    ListFeaturesRequest.newBuilder()
                        .setParent(dictionary)
                        .setPageSize(1_000)
                        .build())
                .getFeaturesCount())
        .isEqualTo(2 + writers * rounds);
  }

  @Test
  void deletesOneFeatureWithItsLabels() {
    write(feature(1).addLabels(label(1, "a", "text", 0.5)).build(), feature(2).build());
    store().deleteFeature(DeleteFeatureRequest.newBuilder().setName(name(1)).build());
    assertNotStored(1);
    assertThat(read(2).getName()).isEqualTo(name(2));
    write(feature(1).build());
    assertThat(read(1).getLabelsList()).isEmpty();
  }

  @Test
  void saysThatAFeatureToDeleteIsNotStored() {
    assertRefused(
        Status.Code.NOT_FOUND,
        "FEATURE_NOT_FOUND",
        () -> store().deleteFeature(DeleteFeatureRequest.newBuilder().setName(name(1)).build()));
  }

  @Test
  void deletesADictionaryAndNoOther() {
    write(feature(1).build(), feature(2).build());
    String other = dictionary + "-other";
    store()
        .batchUpsertFeatures(
            BatchUpsertFeaturesRequest.newBuilder()
                .setParent(other)
                .addFeatures(Feature.newBuilder().setName(other + "/features/1"))
                .build());
    DeleteFeaturesRequest request =
        DeleteFeaturesRequest.newBuilder().setParent(dictionary).build();
    assertThat(store().deleteFeatures(request).getDeleted()).isEqualTo(2);
    assertThat(store().deleteFeatures(request).getDeleted()).isZero();
    assertNotStored(1);
    assertThat(
            store()
                .getFeature(GetFeatureRequest.newBuilder().setName(other + "/features/1").build())
                .getName())
        .isEqualTo(other + "/features/1");
  }

  private void assertNotStored(long index) {
    assertRefused(
        Status.Code.NOT_FOUND,
        "FEATURE_NOT_FOUND",
        () -> read(index),
        Long.toString(index),
        dictionary.substring("dictionaries/".length()));
  }
}
