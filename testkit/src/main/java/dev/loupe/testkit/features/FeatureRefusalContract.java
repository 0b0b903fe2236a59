package dev.loupe.testkit.features;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.proto.features.v1.ActivationHistogram;
import dev.loupe.proto.features.v1.BatchGetFeaturesRequest;
import dev.loupe.proto.features.v1.BatchUpsertFeaturesRequest;
import dev.loupe.proto.features.v1.BatchUpsertLabelsRequest;
import dev.loupe.proto.features.v1.DeleteFeatureRequest;
import dev.loupe.proto.features.v1.DeleteFeaturesRequest;
import dev.loupe.proto.features.v1.DeleteLabelRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureExample;
import dev.loupe.proto.features.v1.FeatureLabel;
import dev.loupe.proto.features.v1.FeatureNeighbour;
import dev.loupe.proto.features.v1.FeatureStatistics;
import dev.loupe.proto.features.v1.GetFeatureRequest;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.features.v1.SearchFeaturesRequest;
import io.grpc.Status;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the store refuses to write, with the field that is named. */
public abstract class FeatureRefusalContract extends FeatureStoreContract {

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("broken")
  void namesTheFieldThatIsWrong(String field, String reason, Consumer<Feature.Builder> damage) {
    Feature.Builder feature = Features.fill(feature(0), 0);
    damage.accept(feature);
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        reason,
        () -> write(feature(1).build(), feature.build()),
        "features[1]." + field + " is ");
    assertRefused(Status.Code.NOT_FOUND, "FEATURE_NOT_FOUND", () -> read(1));
  }

  static Stream<Arguments> broken() {
    FeatureExample good = Features.example("a", "b");
    return Stream.of(
        broken("statistics.activations", "INVALID_VALUE", f -> statistics(f).setActivations(-1)),
        broken("statistics.density", "INVALID_VALUE", f -> statistics(f).setDensity(1.5)),
        broken("statistics.density", "NOT_FINITE", f -> statistics(f).setDensity(Double.NaN)),
        broken(
            "statistics.max_activation",
            "NOT_FINITE",
            f -> statistics(f).setMaxActivation(Double.POSITIVE_INFINITY)),
        broken(
            "statistics.mean_activation",
            "INVALID_VALUE",
            f -> statistics(f).setMeanActivation(-0.5)),
        broken(
            "histogram.lower", "NOT_FINITE", f -> histogram(f).setLower(Double.NEGATIVE_INFINITY)),
        broken("histogram.upper", "INVALID_VALUE", f -> histogram(f).setLower(2).setUpper(1)),
        broken("histogram.counts[3]", "INVALID_VALUE", f -> histogram(f).setCounts(3, -1)),
        broken(
            "histogram.counts",
            "INVALID_VALUE",
            f -> histogram(f).addAllCounts(Collections.nCopies(100, 1L))),
        broken("examples", "INVALID_VALUE", f -> f.addAllExamples(Collections.nCopies(100, good))),
        broken("examples[0].tokens", "INVALID_VALUE", f -> f.setExamples(0, Features.example())),
        broken(
            "examples[0].tokens",
            "INVALID_VALUE",
            f ->
                f.setExamples(
                    0, Features.example(Collections.nCopies(257, "x").toArray(String[]::new)))),
        broken(
            "examples[2].tokens[1]",
            "INVALID_VALUE",
            f -> f.setExamples(2, Features.example("a", "x".repeat(257)))),
        broken(
            "examples[2].values",
            "INVALID_VALUE",
            f -> f.setExamples(2, good.toBuilder().addValues(1))),
        broken(
            "examples[2].values[0]",
            "NOT_FINITE",
            f -> f.setExamples(2, good.toBuilder().setValues(0, Float.NaN))),
        broken(
            "examples[2].peak",
            "INVALID_VALUE",
            f -> f.setExamples(2, good.toBuilder().setPeak(2))),
        broken(
            "examples[2].peak",
            "INVALID_VALUE",
            f -> f.setExamples(2, good.toBuilder().setPeak(-1))),
        broken(
            "examples[2].ids", "INVALID_VALUE", f -> f.setExamples(2, good.toBuilder().addIds(1))),
        broken(
            "examples[2].ids[1]",
            "INVALID_VALUE",
            f -> f.setExamples(2, good.toBuilder().addIds(1).addIds(-1))),
        broken(
            "examples[2].text",
            "INVALID_VALUE",
            f -> f.setExamples(2, good.toBuilder().setText("x".repeat(65_537)))),
        broken(
            "examples[2].byte_ends",
            "INVALID_VALUE",
            f -> f.setExamples(2, good.toBuilder().setText("ab"))),
        broken(
            "examples[2].byte_ends",
            "INVALID_VALUE",
            f -> f.setExamples(2, good.toBuilder().addByteEnds(1))),
        broken(
            "examples[2].byte_ends[1]",
            "INVALID_VALUE",
            f -> f.setExamples(2, Features.whole("中", 1, 2))),
        broken(
            "examples[2].byte_ends[1]",
            "INVALID_VALUE",
            f -> f.setExamples(2, Features.whole("abc", 2, 1, 3))),
        broken("final_norm_scale", "INVALID_VALUE", f -> f.setFinalNormScale(-1)),
        broken("final_norm_scale", "NOT_FINITE", f -> f.setFinalNormScale(Double.NaN)),
        broken(
            "raw_top_logits[1].logit",
            "NOT_FINITE",
            f -> f.setRawTopLogits(1, Features.effect(1, "a", Float.NaN))),
        broken(
            "raw_bottom_logits",
            "INVALID_VALUE",
            f -> f.addAllRawBottomLogits(Collections.nCopies(100, Features.effect(1, "a", 1)))),
        broken(
            "top_logits",
            "INVALID_VALUE",
            f -> f.addAllTopLogits(Collections.nCopies(100, Features.effect(1, "a", 1)))),
        broken(
            "top_logits[1].id",
            "INVALID_VALUE",
            f -> f.setTopLogits(1, Features.effect(-1, "a", 1))),
        broken(
            "top_logits[1].logit",
            "NOT_FINITE",
            f -> f.setTopLogits(1, Features.effect(1, "a", Float.POSITIVE_INFINITY))),
        broken(
            "bottom_logits",
            "INVALID_VALUE",
            f -> f.addAllBottomLogits(Collections.nCopies(100, Features.effect(1, "a", 1)))),
        broken(
            "bottom_logits[0].token",
            "INVALID_VALUE",
            f -> f.setBottomLogits(0, Features.effect(1, "x".repeat(257), 1))),
        broken("neighbours[0].feature", "INVALID_VALUE", f -> neighbour(f).setFeature(-1)),
        broken("neighbours[0].cosine", "INVALID_VALUE", f -> neighbour(f).setCosine(1.5f)),
        broken("neighbours[0].cosine", "NOT_FINITE", f -> neighbour(f).setCosine(Float.NaN)),
        broken(
            "neighbours",
            "INVALID_VALUE",
            f ->
                f.addAllNeighbours(
                    Collections.nCopies(100, FeatureNeighbour.getDefaultInstance()))),
        broken("labels[0].text", "INVALID_VALUE", f -> label(f).setText("")),
        broken("labels[0].text", "INVALID_VALUE", f -> label(f).setText("x".repeat(1_001))),
        broken("labels[0].text", "INVALID_VALUE", f -> label(f).setText("a\0b")),
        broken("labels[0].source", "INVALID_VALUE", f -> label(f).setSource("")),
        broken("labels[0].source", "INVALID_VALUE", f -> label(f).setSource("x".repeat(101))),
        broken("labels[0].score", "INVALID_VALUE", f -> label(f).setScore(-0.1)),
        broken("labels[0].score", "NOT_FINITE", f -> label(f).setScore(Double.NaN)),
        broken("labels[0].name", "INVALID_NAME", f -> label(f).setName("a")),
        broken(
            "labels[0].name",
            "INVALID_VALUE",
            f -> label(f).setName(f.getName().replaceAll("0$", "2") + "/labels/a")),
        broken(
            "labels[0].name", "INVALID_NAME", f -> label(f).setName(f.getName() + "/labels/Upper")),
        broken(
            "labels[1].name",
            "INVALID_VALUE",
            f -> {
              label(f);
              f.addLabels(f.getLabels(0));
            }),
        broken("name", "INVALID_NAME", f -> f.setName("")),
        broken("name", "INVALID_NAME", f -> f.setName("dictionaries/elsewhere/features/1")),
        broken("name", "INVALID_VALUE", f -> f.setName(f.getName().replaceAll("0$", "1"))));
  }

  @Test
  void acceptsCosinesThatRoundingTookOverOne() {
    write(
        feature(1)
            .addNeighbours(FeatureNeighbour.newBuilder().setFeature(2).setCosine(1.00001f))
            .addNeighbours(FeatureNeighbour.newBuilder().setFeature(3).setCosine(-1.00001f))
            .build());
    assertThat(read(1).getNeighboursList())
        .extracting(FeatureNeighbour::getCosine)
        .containsExactly(1f, -1f);
  }

  @Test
  void refusesTooFewAndTooMany() {
    assertRefused(
        Status.Code.INVALID_ARGUMENT, "INVALID_VALUE", this::write, "features", "1 to 1000");
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_VALUE",
        () ->
            write(
                LongStream.range(0, 1_001)
                    .mapToObj(i -> feature(i).build())
                    .toArray(Feature[]::new)),
        "features",
        "1 to 1000");
    assertRefused(Status.Code.INVALID_ARGUMENT, "INVALID_VALUE", () -> get(List.of()), "features");
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_VALUE",
        () -> get(Collections.nCopies(1_001, 1L)),
        "features");
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_VALUE",
        () -> get(List.of(3L, -1L)),
        "features[1]",
        "-1");
    for (List<FeatureLabel> labels :
        List.of(List.<FeatureLabel>of(), Collections.nCopies(10_001, label(1, "a", "text", 0.5)))) {
      assertRefused(
          Status.Code.INVALID_ARGUMENT,
          "INVALID_VALUE",
          () ->
              store()
                  .batchUpsertLabels(
                      BatchUpsertLabelsRequest.newBuilder()
                          .setParent(dictionary)
                          .addAllLabels(labels)
                          .build()),
          "labels");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "dictionaries/",
        "dictionaries/Upper",
        "dictionaries/-",
        "models/a",
        "dictionaries/a/b",
        "dictionaries/9a"
      })
  void refusesNamesThatAreNone(String name) {
    for (Runnable call :
        List.<Runnable>of(
            () ->
                store()
                    .batchUpsertFeatures(
                        BatchUpsertFeaturesRequest.newBuilder().setParent(name).build()),
            () -> store().getFeature(GetFeatureRequest.newBuilder().setName(name).build()),
            () ->
                store()
                    .getFeature(
                        GetFeatureRequest.newBuilder().setName(name + "/features/1x").build()),
            () ->
                store()
                    .batchGetFeatures(BatchGetFeaturesRequest.newBuilder().setParent(name).build()),
            () -> store().listFeatures(ListFeaturesRequest.newBuilder().setParent(name).build()),
            () ->
                store()
                    .searchFeatures(
                        SearchFeaturesRequest.newBuilder()
                            .setParent(name.equals("dictionaries/-") ? "dictionaries" : name)
                            .setQuery("x")
                            .build()),
            () -> store().deleteFeature(DeleteFeatureRequest.newBuilder().setName(name).build()),
            () ->
                store().deleteFeatures(DeleteFeaturesRequest.newBuilder().setParent(name).build()),
            () ->
                store()
                    .batchUpsertLabels(
                        BatchUpsertLabelsRequest.newBuilder().setParent(name).build()),
            () -> store().deleteLabel(DeleteLabelRequest.newBuilder().setName(name).build()))) {
      assertRefused(Status.Code.INVALID_ARGUMENT, "INVALID_NAME", call::run, "dictionaries/");
    }
  }

  @Test
  void refusesAnUnknownView() {
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_VALUE",
        () ->
            store()
                .listFeatures(
                    ListFeaturesRequest.newBuilder().setParent(dictionary).setViewValue(9).build()),
        "view");
  }

  private void get(List<Long> indices) {
    assertThat(
            store()
                .batchGetFeatures(
                    BatchGetFeaturesRequest.newBuilder()
                        .setParent(dictionary)
                        .addAllFeatures(indices)
                        .build()))
        .as("an answer to a request that should be refused")
        .isNull();
  }

  private static Arguments broken(String field, String reason, Consumer<Feature.Builder> damage) {
    return Arguments.of(field, reason, damage);
  }

  private static FeatureStatistics.Builder statistics(Feature.Builder feature) {
    return feature.getStatisticsBuilder();
  }

  private static ActivationHistogram.Builder histogram(Feature.Builder feature) {
    return feature.getHistogramBuilder();
  }

  private static FeatureNeighbour.Builder neighbour(Feature.Builder feature) {
    return feature.getNeighboursBuilder(0);
  }

  /** A label that nothing is wrong with yet. */
  private static FeatureLabel.Builder label(Feature.Builder feature) {
    return feature
        .addLabelsBuilder()
        .setName(feature.getName() + "/labels/a")
        .setText("text")
        .setSource("person:ada")
        .setScore(0.5);
  }
}
