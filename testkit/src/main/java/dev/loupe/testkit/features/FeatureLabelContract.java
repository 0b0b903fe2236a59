package dev.loupe.testkit.features;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.proto.features.v1.BatchUpsertLabelsRequest;
import dev.loupe.proto.features.v1.DeleteLabelRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureLabel;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import io.grpc.Status;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Labels of features. */
public abstract class FeatureLabelContract extends FeatureStoreContract {

  @Test
  void addsLabelsAndReplacesThoseOfTheSameName() {
    write(
        feature(1).addLabels(label(1, "a", "first", 0.1)).build(),
        Features.fill(feature(2), 2).build());
    Feature before = read(2);

    label(
        label(1, "a", "better", 0.3),
        label(2, "z", "tie", 0.5),
        label(2, "y", "tie", 0.5),
        label(2, "x", "best", 0.9));

    assertThat(read(1).getLabelsList()).containsExactly(label(1, "a", "better", 0.3));
    assertThat(read(2))
        .isEqualTo(
            before.toBuilder()
                .addLabels(label(2, "x", "best", 0.9))
                .addLabels(label(2, "y", "tie", 0.5))
                .addLabels(label(2, "z", "tie", 0.5))
                .build());
  }

  @Test
  void labelsAllOfARequestOrNothing() {
    write(feature(1).build());
    assertRefused(
        Status.Code.NOT_FOUND,
        "FEATURE_NOT_FOUND",
        () -> label(label(1, "a", "text", 0.5), label(2, "a", "text", 0.5)),
        "feature 2");
    assertThat(read(1).getLabelsList()).isEmpty();
  }

  @Test
  void refusesMoreLabelsThanAFeatureMayHave() {
    write(feature(1).build());
    label(
        LongStream.range(0, 100)
            .mapToObj(i -> label(1, "label-" + i, "text", 0.5))
            .toArray(FeatureLabel[]::new));
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_VALUE",
        () -> label(label(1, "one-more", "text", 0.9)),
        "101 labels");
    assertThat(read(1).getLabelsCount()).isEqualTo(100);
    label(label(1, "label-3", "in place of another", 0.9));
    assertThat(read(1).getLabels(0).getText()).isEqualTo("in place of another");
  }

  @Test
  void takesTenThousandLabelsAtOnce() {
    write(LongStream.range(0, 1_000).mapToObj(i -> feature(i).build()).toArray(Feature[]::new));
    label(
        LongStream.range(0, 10_000)
            .mapToObj(i -> label(i / 10, "label-" + i % 10, "meaning " + i, (i % 10) / 10.0))
            .toArray(FeatureLabel[]::new));
    assertThat(read(999).getLabelsCount()).isEqualTo(10);
    assertThat(read(999).getLabels(0).getText()).isEqualTo("meaning 9999");
  }

  @Test
  void deletesOneLabel() {
    write(
        feature(1)
            .addLabels(label(1, "a", "stays", 0.1))
            .addLabels(label(1, "b", "goes", 0.9))
            .build());
    DeleteLabelRequest request =
        DeleteLabelRequest.newBuilder().setName(name(1) + "/labels/b").build();
    store().deleteLabel(request);
    assertThat(read(1).getLabelsList()).containsExactly(label(1, "a", "stays", 0.1));
    assertRefused(
        Status.Code.NOT_FOUND, "LABEL_NOT_FOUND", () -> store().deleteLabel(request), "\"b\"");
  }

  @Test
  void saysThatTheFeatureOfALabelIsNotStored() {
    assertRefused(
        Status.Code.NOT_FOUND,
        "FEATURE_NOT_FOUND",
        () ->
            store()
                .deleteLabel(
                    DeleteLabelRequest.newBuilder().setName(name(5) + "/labels/a").build()));
  }

  @Test
  void theBestScoreFollowsTheLabels() {
    write(feature(1).build(), feature(2).addLabels(label(2, "a", "text", 0.5)).build());
    assertThat(byBestScore()).containsExactly(2L, 1L);
    label(label(1, "a", "text", 0.9));
    assertThat(byBestScore()).containsExactly(1L, 2L);
    label(label(1, "a", "text", 0.2));
    assertThat(byBestScore()).containsExactly(2L, 1L);
    store().deleteLabel(DeleteLabelRequest.newBuilder().setName(name(2) + "/labels/a").build());
    assertThat(byBestScore()).containsExactly(1L, 2L);
  }

  private List<Long> byBestScore() {
    return store()
        .listFeatures(
            ListFeaturesRequest.newBuilder()
                .setParent(dictionary)
                .setOrderBy("label_score desc")
                .build())
        .getFeaturesList()
        .stream()
        .map(FeatureStoreContract::index)
        .toList();
  }

  private void label(FeatureLabel... labels) {
    store()
        .batchUpsertLabels(
            BatchUpsertLabelsRequest.newBuilder()
                .setParent(dictionary)
                .addAllLabels(List.of(labels))
                .build());
  }
}
