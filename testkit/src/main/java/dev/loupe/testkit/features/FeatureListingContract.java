package dev.loupe.testkit.features;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.proto.features.v1.DeleteFeatureRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureView;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.features.v1.ListFeaturesResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Listing a dictionary's features: order, filter, pages, views. */
public abstract class FeatureListingContract extends FeatureStoreContract {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "index",
        "index desc",
        "density",
        "density desc",
        "density asc",
        "index ASC",
        "max_activation",
        "max_activation desc",
        "mean_activation",
        "mean_activation  desc",
        "label_score",
        "label_score desc"
      })
  void sortsByEveryMeasureAcrossPages(String orderBy) {
    List<Feature> written = writeMany();
    ToDoubleFunction<Feature> measure = measure(orderBy.strip().split("\\s+")[0]);
    Comparator<Feature> order = Comparator.comparingDouble(measure);
    if (orderBy.endsWith("desc")) {
      order = order.reversed();
    }
    List<Long> expected =
        written.stream()
            .sorted(order.thenComparingLong(FeatureStoreContract::index))
            .map(FeatureStoreContract::index)
            .toList();
    assertThat(pages(request().setOrderBy(orderBy), 7)).isEqualTo(expected);
  }

  @ParameterizedTest
  @MethodSource("filters")
  void takesWhatAFilterHoldsFor(String filter, List<Long> expected) {
    writeForFilters();
    assertThat(pages(request().setFilter(filter), 50)).isEqualTo(expected);
  }

  static Stream<Arguments> filters() {
    return Stream.of(
        Arguments.of("", List.of(1L, 2L, 3L, 4L)),
        Arguments.of("  ", List.of(1L, 2L, 3L, 4L)),
        Arguments.of("density > 0.25", List.of(3L, 4L)),
        Arguments.of("density>=0.25", List.of(2L, 3L, 4L)),
        Arguments.of("density = 2.5e-1", List.of(2L)),
        Arguments.of("density != 0.25", List.of(1L, 3L, 4L)),
        Arguments.of("max_activation < 3", List.of(1L, 2L)),
        Arguments.of("max_activation <= 3", List.of(1L, 2L, 3L)),
        Arguments.of("mean_activation > -1", List.of(1L, 2L, 3L, 4L)),
        Arguments.of("label_score = 0", List.of(3L)),
        Arguments.of("label_score >= 0.5", List.of(1L, 4L)),
        Arguments.of("label:\"capital\"", List.of(1L, 2L)),
        Arguments.of("label:\"CAPITAL Cities\"", List.of(1L)),
        Arguments.of("label : \"tal o\"", List.of(2L)),
        Arguments.of("label:\"ÄRGER\"", List.of(4L)),
        Arguments.of("label:\"arger\"", List.of(4L)),
        Arguments.of("label:\"100%\"", List.of(4L)),
        Arguments.of("label:\"100_\"", List.of()),
        Arguments.of("label:\"\\\"quoted\\\" and a \\\\\"", List.of(4L)),
        Arguments.of("label:\"'; DROP TABLE feature; --\"", List.of()),
        Arguments.of("token:\" aust\"", List.of(1L)),
        Arguments.of("token:\"st\"", List.of(1L, 2L)),
        Arguments.of("token:\"austin bo\"", List.of()),
        Arguments.of("token:\"\n\"", List.of(3L)),
        Arguments.of("token:\"\uffff\"", List.of()),
        Arguments.of("token:\"\0\"", List.of()),
        Arguments.of("label:\"capital\" AND density > 0.1", List.of(2L)),
        Arguments.of(
            "label:\"capital\" AND token:\"st\" AND density<1 AND density>0", List.of(1L, 2L)));
  }

  @Test
  void pagesDoNotShiftWhenFeaturesComeAndGo() {
    List<Feature> written = writeMany();
    ListFeaturesRequest.Builder request = request().setPageSize(10);
    ListFeaturesResponse first = store().listFeatures(request.build());
    assertThat(first.getFeaturesList())
        .extracting(FeatureStoreContract::index)
        .isEqualTo(LongStream.range(0, 10).boxed().toList());
    store().deleteFeature(DeleteFeatureRequest.newBuilder().setName(name(3)).build());
    ListFeaturesResponse second =
        store().listFeatures(request.setPageToken(first.getNextPageToken()).build());
    assertThat(index(second.getFeatures(0))).isEqualTo(10L);
    assertThat(written).hasSizeGreaterThan(20);
  }

  @Test
  void thePageSizeHasADefaultAndALimit() {
    write(LongStream.range(0, 1_000).mapToObj(i -> feature(i).build()).toArray(Feature[]::new));
    write(feature(1_000).build());
    assertThat(store().listFeatures(request().build()).getFeaturesCount()).isEqualTo(50);
    ListFeaturesResponse most = store().listFeatures(request().setPageSize(5_000).build());
    assertThat(most.getFeaturesCount()).isEqualTo(1_000);
    ListFeaturesResponse last =
        store()
            .listFeatures(request().setPageSize(7).setPageToken(most.getNextPageToken()).build());
    assertThat(last.getFeaturesCount()).isEqualTo(1);
    assertThat(last.getNextPageToken()).isEmpty();
  }

  @Test
  void aLastPageThatIsFullSaysThatItIsTheLast() {
    write(feature(1).build(), feature(2).build());
    assertThat(store().listFeatures(request().setPageSize(2).build()).getNextPageToken()).isEmpty();
  }

  @Test
  void givesTheBasicViewUnlessAskedForMore() {
    write(Features.fill(feature(1), 1).addLabels(label(1, "a", "text", 0.5)).build());
    Feature full = read(1);
    Feature basic =
        feature(1).setStatistics(full.getStatistics()).addAllLabels(full.getLabelsList()).build();
    assertThat(store().listFeatures(request().build()).getFeaturesList()).containsExactly(basic);
    assertThat(
            store()
                .listFeatures(request().setView(FeatureView.FEATURE_VIEW_FULL).build())
                .getFeaturesList())
        .containsExactly(full);
  }

  @Test
  void anUnknownDictionaryHasNoFeatures() {
    assertThat(store().listFeatures(request().build()).getFeaturesList()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '\0',
      value = {
        "density;character 8: expected =, !=",
        "density ~ 1;expected =, !=",
        "density == 1;expected =, !=",
        "density > x;expected a finite number",
        "density > 1e999;expected a finite number",
        "density > NaN;expected a finite number",
        "depth > 1;character 1: expected density",
        "label = 1;expected \":\"",
        "label:x;expected a text in double quotes",
        "label:\"x;expected a closing double quote",
        "label:\"\";at least one character",
        "label:\"\\x\";expected \\\" or \\\\",
        "density > 1 OR density < 0;expected AND",
        "density > 1 AND;found the end",
        "density > 1 density > 2;expected AND",
      })
  void saysWhereAFilterGoesWrong(String filter, String message) {
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_FILTER",
        () -> store().listFeatures(request().setFilter(filter).build()),
        message);
  }

  @Test
  void refusesFiltersThatAreTooLong() {
    String condition = "density > 0";
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_FILTER",
        () ->
            store()
                .listFeatures(
                    request()
                        .setFilter(String.join(" AND ", Collections.nCopies(21, condition)))
                        .build()),
        "20 conditions");
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_FILTER",
        () ->
            store()
                .listFeatures(request().setFilter("label:\"" + "x".repeat(2_000) + "\"").build()),
        "2000");
  }

  @ParameterizedTest
  @ValueSource(strings = {"name", "density down", "density desc desc", "density, index", "1"})
  void refusesOtherOrders(String orderBy) {
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_ORDER",
        () -> store().listFeatures(request().setOrderBy(orderBy).build()),
        orderBy,
        "label_score");
  }

  @Test
  void refusesPageTokensOfOtherLists() {
    writeMany();
    String token = store().listFeatures(request().setPageSize(5).build()).getNextPageToken();
    for (ListFeaturesRequest request :
        List.of(
            request().setPageToken("made up").build(),
            request().setPageToken(token).setOrderBy("density").build(),
            request().setPageToken(token).setFilter("density > 0").build(),
            request().setPageToken(token).setParent(dictionary + "-other").build())) {
      assertRefused(
          Status.Code.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", () -> store().listFeatures(request));
    }
  }

  @Test
  void refusesANegativePageSize() {
    assertRefused(
        Status.Code.INVALID_ARGUMENT,
        "INVALID_VALUE",
        () -> store().listFeatures(request().setPageSize(-1).build()),
        "page_size",
        "-1");
  }

  /** Forty features with many ties, their labels in the order in which the store gives them. */
  private List<Feature> writeMany() {
    List<Feature> features = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      Feature.Builder feature =
          feature(i)
              .setStatistics(
                  Features.statistics((i * 7 % 5) / 5.0, i * 11 % 13 / 3.0, 1.0 / (i % 4 + 1)));
      if (i % 3 > 0) {
        feature.addLabels(label(i, "best", "text", (i * 5 % 7) / 7.0));
        feature.addLabels(label(i, "other", "text", 0));
      }
      features.add(feature.build());
    }
    write(features.toArray(Feature[]::new));
    return features;
  }

  private void writeForFilters() {
    write(
        feature(1)
            .setStatistics(Features.statistics(0.1, 1, 0))
            .addTopLogits(Features.effect(1, " Austin", 2))
            .addTopLogits(Features.effect(2, " Boston", 1))
            .addLabels(label(1, "a", "Capital cities", 0.5))
            .build(),
        feature(2)
            .setStatistics(Features.statistics(0.25, 2, 0))
            .addTopLogits(Features.effect(1, "STATE", 2))
            .addLabels(label(2, "a", "something else", 0.1))
            .addLabels(label(2, "b", "the capital of", 0.4))
            .build(),
        feature(3)
            .setStatistics(Features.statistics(0.5, 3, 0))
            .addTopLogits(Features.effect(1, "\n", 2))
            .addBottomLogits(Features.effect(1, " Austin", -2))
            .build(),
        feature(4)
            .setStatistics(Features.statistics(1, 4, 0))
            .addLabels(label(4, "a", "\"quoted\" and a \\ and 100% Ärger", 0.9))
            .build());
  }

  private static ToDoubleFunction<Feature> measure(String field) {
    return switch (field) {
      case "density" -> f -> f.getStatistics().getDensity();
      case "max_activation" -> f -> f.getStatistics().getMaxActivation();
      case "mean_activation" -> f -> f.getStatistics().getMeanActivation();
      case "label_score" -> f -> f.getLabelsCount() == 0 ? 0 : f.getLabels(0).getScore();
      default -> FeatureStoreContract::index;
    };
  }

  private ListFeaturesRequest.Builder request() {
    return ListFeaturesRequest.newBuilder().setParent(dictionary);
  }

  private List<Long> pages(ListFeaturesRequest.Builder request, int size) {
    List<Long> indices = new ArrayList<>();
    request.setPageSize(size);
    do {
      ListFeaturesResponse page = store().listFeatures(request.build());
      assertThat(page.getFeaturesCount()).isLessThanOrEqualTo(size);
      page.getFeaturesList().forEach(feature -> indices.add(index(feature)));
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    return indices;
  }
}
