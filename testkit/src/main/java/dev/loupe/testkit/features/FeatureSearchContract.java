package dev.loupe.testkit.features;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.proto.features.v1.BatchUpsertFeaturesRequest;
import dev.loupe.proto.features.v1.DeleteFeatureRequest;
import dev.loupe.proto.features.v1.DeleteLabelRequest;
import dev.loupe.proto.features.v1.Feature;
import dev.loupe.proto.features.v1.FeatureMatch;
import dev.loupe.proto.features.v1.SearchFeaturesRequest;
import dev.loupe.proto.features.v1.SearchFeaturesResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Searching features by words. */
public abstract class FeatureSearchContract extends FeatureStoreContract {

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        // Label before token before example; the word before the start of a word; ties by index.
        "capital;1 5 2 3 4",
        "CAPITAL;1 5 2 3 4",
        "cap;1 5 2 3 4",
        "capitals;5",
        "capital texas;1 3",
        "texas, capital?;1 3",
        "te cap;1 3",
        "capital nowhere;",
        "apital;",
        "austin;3",
        "aus;3",
        "ärger;6",
        "ÄRG;6",
        "arger;6",
        "café;9",
        "cafe;9",
        "CAFÉ\u0301s;9",
        "lodz;9",
        "北;6",
        "京;6",
        "北京;6",
        "京北;",
        "東;",
        // Any part of a run without spaces, whole characters of which lie in several tokens.
        "カナ;9",
        "かたカ;9",
        "ナ;9",
        "カた;",
        "中文;9",
        "文中;",
        "ภาษา;9",
        "🦜;9",
        "🦜🎉;9",
        "🎉🦜;",
        "3;7",
        "3 14;7",
        "x86_64;7",
        "x86;7",
        "don't;7",
        "function;8",
        "drop table;",
      })
  void findsFeaturesInWhichEveryWordOccurs(String query, String expected) {
    writeForSearch();
    assertThat(search(query))
        .extracting(match -> index(match.getFeature()))
        .containsExactlyElementsOf(
            expected == null
                ? List.of()
                : List.of(expected.split(" ")).stream().map(Long::valueOf).toList());
  }

  @Test
  void saysHowWellEachMatches() {
    writeForSearch();
    List<FeatureMatch> matches = search("capital");
    assertThat(matches.get(0).getRelevance()).isEqualTo(1);
    assertThat(matches)
        .extracting(FeatureMatch::getRelevance)
        .isSortedAccordingTo((a, b) -> Double.compare(b, a));
    assertThat(matches).allSatisfy(match -> assertThat(match.getRelevance()).isBetween(0.01, 1.0));
  }

  @Test
  void givesTheBasicView() {
    writeForSearch();
    Feature full = read(1);
    assertThat(search("capital texas").get(0).getFeature())
        .isEqualTo(
            feature(1)
                .setStatistics(full.getStatistics())
                .addAllLabels(full.getLabelsList())
                .build());
  }

  @Test
  void whatIsReplacedOrDeletedIsFoundNoMore() {
    write(
        feature(1)
            .addExamples(Features.example("alpha"))
            .addLabels(label(1, "a", "beta", 0.5))
            .addLabels(label(1, "b", "gamma", 0.5))
            .build(),
        feature(2).addExamples(Features.example("alpha")).build());
    write(
        feature(1)
            .addExamples(Features.example("delta"))
            .addLabels(label(1, "a", "epsilon", 0.5))
            .build());
    assertThat(found("alpha")).containsExactly(2L);
    assertThat(found("delta")).containsExactly(1L);
    assertThat(found("beta")).isEmpty();
    assertThat(found("gamma epsilon")).containsExactly(1L);
    store().deleteLabel(DeleteLabelRequest.newBuilder().setName(name(1) + "/labels/b").build());
    assertThat(found("gamma")).isEmpty();
    store().deleteFeature(DeleteFeatureRequest.newBuilder().setName(name(2)).build());
    assertThat(found("alpha")).isEmpty();
  }

  @Test
  void pagesGoOnWhereTheOneBeforeEnded() {
    write(
        LongStream.range(0, 23)
            .mapToObj(
                i ->
                    i % 2 == 0
                        ? feature(i).addLabels(label(i, "a", "needle", 0.5)).build()
                        : feature(i).addExamples(Features.example("needle")).build())
            .toArray(Feature[]::new));
    SearchFeaturesRequest.Builder request = request("needle").setPageSize(5);
    List<Long> indices = new ArrayList<>();
    do {
      SearchFeaturesResponse page = store().searchFeatures(request.build());
      assertThat(page.getMatchesCount()).isLessThanOrEqualTo(5);
      page.getMatchesList().forEach(match -> indices.add(index(match.getFeature())));
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    assertThat(indices)
        .containsExactlyElementsOf(
            LongStream.concat(
                    LongStream.iterate(0, i -> i < 23, i -> i + 2),
                    LongStream.iterate(1, i -> i < 23, i -> i + 2))
                .boxed()
                .toList());
  }

  @Test
  void searchesOneDictionaryOrAll() {
    String word = "w" + dictionary.replaceAll("[^a-z0-9]", "");
    String other = dictionary + "-other";
    write(feature(2).addExamples(Features.example(word)).build());
    store()
        .batchUpsertFeatures(
            BatchUpsertFeaturesRequest.newBuilder()
                .setParent(other)
                .addFeatures(
                    Feature.newBuilder()
                        .setName(other + "/features/1")
                        .addExamples(Features.example(word)))
                .build());
    assertThat(found(word)).containsExactly(2L);
    SearchFeaturesRequest.Builder everywhere =
        request(word).setParent("dictionaries/-").setPageSize(1);
    SearchFeaturesResponse first = store().searchFeatures(everywhere.build());
    SearchFeaturesResponse second =
        store().searchFeatures(everywhere.setPageToken(first.getNextPageToken()).build());
    assertThat(first.getMatches(0).getFeature().getName()).isEqualTo(name(2));
    assertThat(second.getMatches(0).getFeature().getName()).isEqualTo(other + "/features/1");
    assertThat(second.getNextPageToken()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"unbalanced",
        "a:b",
        "word*",
        "-word",
        "(a OR b)",
        "NEAR(a b)",
        "'; DROP TABLE feature; --",
        "a & !b | c <-> d",
        "\\",
        "{example token} : x",
        "\0word"
      })
  void noCharacterOfAQueryMeansAnythingElse(String query) {
    writeForSearch();
    if (query.indexOf('\0') >= 0 || query.chars().noneMatch(Character::isLetterOrDigit)) {
      assertRefused(Status.Code.INVALID_ARGUMENT, "INVALID_VALUE", () -> search(query), "query");
    } else {
      assertThat(search(query)).isEmpty();
    }
  }

  @Test
  void refusesQueriesThatAreEmptyOrTooLong() {
    for (String query : List.of("", "   ", "?!", "x".repeat(1_001))) {
      assertRefused(Status.Code.INVALID_ARGUMENT, "INVALID_VALUE", () -> search(query), "query");
    }
    String many = IntStream.range(0, 33).mapToObj(i -> "w" + i).collect(Collectors.joining(" "));
    assertRefused(Status.Code.INVALID_ARGUMENT, "INVALID_VALUE", () -> search(many), "query", "32");
    assertThat(search(many.substring(0, many.lastIndexOf(' ')))).isEmpty();
    assertThat(search("x".repeat(1_000))).isEmpty();
  }

  @Test
  void thePageSizeHasADefaultAndALimit() {
    write(
        LongStream.range(0, 101)
            .mapToObj(i -> feature(i).addExamples(Features.example("common")).build())
            .toArray(Feature[]::new));
    assertThat(search("common")).hasSize(20);
    assertThat(store().searchFeatures(request("common").setPageSize(500).build()).getMatchesCount())
        .isEqualTo(100);
  }

  private void writeForSearch() {
    write(
        feature(1)
            .addLabels(label(1, "a", "Capital of a state", 0.5))
            .addTopLogits(Features.effect(1, " Texas", 1))
            .build(),
        feature(2).addTopLogits(Features.effect(1, " capital", 1)).build(),
        feature(3)
            .addExamples(Features.example("The", " cap", "ital", " of", " Texas", " is", " Austin"))
            .build(),
        feature(4).addExamples(Features.example("capitalise")).build(),
        feature(5).addLabels(label(5, "a", "capitals", 0.5)).build(),
        feature(6)
            .addLabels(label(6, "a", "Ärger in 北京", 0.5))
            .addExamples(Features.example("nothing"))
            .build(),
        feature(7).addExamples(Features.example("3.14", " on x86_64, don't")).build(),
        feature(8)
            .addTopLogits(Features.effect(1, "function", 1))
            .addExamples(Features.example("\0", "function"))
            .build(),
        feature(9)
            .addLabels(label(9, "a", "Cafés in Łódź", 0.5))
            .addTopLogits(Features.effect(1, "ひらかたカナ", 1))
            .addExamples(Features.whole("中文ภาษาไทย🦜🎉", 1, 3, 5, 6, 27, 31, 33, 35))
            .build());
  }

  private List<Long> found(String query) {
    return search(query).stream().map(match -> index(match.getFeature())).toList();
  }

  private List<FeatureMatch> search(String query) {
    return store().searchFeatures(request(query).build()).getMatchesList();
  }

  private SearchFeaturesRequest.Builder request(String query) {
    return SearchFeaturesRequest.newBuilder().setParent(dictionary).setQuery(query);
  }
}
