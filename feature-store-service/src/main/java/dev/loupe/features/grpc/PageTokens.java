package dev.loupe.features.grpc;

import dev.loupe.features.domain.FeatureId;
import dev.loupe.features.domain.FeatureQuery;
import dev.loupe.features.domain.FeatureSearch;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.features.v1.SearchFeaturesRequest;
import dev.loupe.server.names.Paging;
import java.util.List;
import java.util.Optional;

/** Page sizes, and the places that page tokens stand for. */
final class PageTokens {
  private static final Paging LISTS = new Paging(50, 1_000);
  private static final Paging SEARCHES = new Paging(20, 100);

  private PageTokens() {}

  static int size(ListFeaturesRequest request) {
    return LISTS.size(request.getPageSize());
  }

  static int size(SearchFeaturesRequest request) {
    return SEARCHES.size(request.getPageSize());
  }

  static Optional<FeatureQuery.Position> position(ListFeaturesRequest request) {
    return parts(LISTS.place(request, request.getPageToken()))
        .map(
            p -> new FeatureQuery.Position(Double.parseDouble(p.get(0)), Long.parseLong(p.get(1))));
  }

  static Optional<FeatureSearch.Position> position(SearchFeaturesRequest request) {
    return parts(SEARCHES.place(request, request.getPageToken()))
        .map(
            p ->
                new FeatureSearch.Position(
                    Integer.parseInt(p.get(0)), new FeatureId(p.get(1), Long.parseLong(p.get(2)))));
  }

  static String token(ListFeaturesRequest request, FeatureQuery.Position position) {
    return LISTS.token(request, Double.toString(position.value()) + " " + position.index());
  }

  static String token(SearchFeaturesRequest request, FeatureSearch.Position position) {
    return SEARCHES.token(
        request,
        position.points() + " " + position.id().dictionary() + " " + position.id().index());
  }

  private static Optional<List<String>> parts(String place) {
    return place.isEmpty() ? Optional.empty() : Optional.of(List.of(place.split(" ", -1)));
  }
}
