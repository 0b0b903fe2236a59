package dev.loupe.features.grpc;

import dev.loupe.features.domain.Condition;
import dev.loupe.features.domain.Feature;
import dev.loupe.features.domain.FeatureId;
import dev.loupe.features.domain.FeatureOrder;
import dev.loupe.features.domain.FeatureQuery;
import dev.loupe.features.domain.FeatureSearch;
import dev.loupe.features.domain.FeatureView;
import dev.loupe.features.domain.FilterException;
import dev.loupe.features.domain.FilterParser;
import dev.loupe.features.domain.LabelEntry;
import dev.loupe.features.domain.OrderException;
import dev.loupe.features.domain.Words;
import dev.loupe.proto.features.v1.BatchGetFeaturesRequest;
import dev.loupe.proto.features.v1.BatchUpsertFeaturesRequest;
import dev.loupe.proto.features.v1.BatchUpsertLabelsRequest;
import dev.loupe.proto.features.v1.ListFeaturesRequest;
import dev.loupe.proto.features.v1.SearchFeaturesRequest;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.ResourcePattern;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads requests, and refuses what the comments of the proto do not allow. */
final class RequestParser {
  private static final int MAX_FEATURES = 1_000;
  private static final int MAX_LABELS = 10_000;
  private static final int MAX_QUERY_LENGTH = 1_000;
  private static final int MAX_QUERY_WORDS = 32;

  private RequestParser() {}

  static List<Feature> features(String dictionary, BatchUpsertFeaturesRequest request) {
    Checks.size("features", request.getFeaturesList(), 1, MAX_FEATURES);
    List<Feature> features = new ArrayList<>(request.getFeaturesCount());
    Set<FeatureId> seen = new HashSet<>();
    for (int i = 0; i < request.getFeaturesCount(); i++) {
      String field = "features[" + i + "]";
      Feature feature = FeatureParser.feature(dictionary, field, request.getFeatures(i));
      requireNew(seen.add(feature.id()), field + ".name", request.getFeatures(i).getName());
      features.add(feature);
    }
    return features;
  }

  static List<LabelEntry> labels(String dictionary, BatchUpsertLabelsRequest request) {
    Checks.size("labels", request.getLabelsList(), 1, MAX_LABELS);
    List<LabelEntry> labels = new ArrayList<>(request.getLabelsCount());
    Set<FeatureNames.LabelName> seen = new HashSet<>();
    for (int i = 0; i < request.getLabelsCount(); i++) {
      String field = "labels[" + i + "]";
      String text = request.getLabels(i).getName();
      FeatureNames.LabelName name = FeatureNames.labelOf(dictionary, field + ".name", text);
      requireNew(seen.add(name), field + ".name", text);
      labels.add(
          new LabelEntry(
              name.feature().index(),
              FeatureParser.label(name.label(), field, request.getLabels(i))));
    }
    return labels;
  }

  static List<Long> indices(BatchGetFeaturesRequest request) {
    Checks.size("features", request.getFeaturesList(), 1, MAX_FEATURES);
    for (int i = 0; i < request.getFeaturesCount(); i++) {
      Checks.notNegative("features[" + i + "]", request.getFeatures(i));
    }
    return request.getFeaturesList();
  }

  static FeatureQuery query(ListFeaturesRequest request) {
    return new FeatureQuery(
        FeatureNames.dictionary("parent", request.getParent()),
        conditions(request.getFilter()),
        order(request.getOrderBy()),
        view(request.getView(), FeatureView.BASIC),
        PageTokens.size(request),
        PageTokens.position(request));
  }

  static FeatureSearch search(SearchFeaturesRequest request) {
    String dictionary = FeatureNames.dictionaryOrAny("parent", request.getParent());
    String query = Checks.text("query", request.getQuery(), 1, MAX_QUERY_LENGTH);
    List<String> words = List.copyOf(Words.asked(query));
    if (words.isEmpty()) {
      throw LoupeException.invalidValue(
          "query", query, "at least one letter, digit or symbol such as an emoji");
    }
    if (words.size() > MAX_QUERY_WORDS) {
      throw LoupeException.invalidValue(
          "query", words.size() + " different words", "at most " + MAX_QUERY_WORDS);
    }
    return new FeatureSearch(
        dictionary.equals(ResourcePattern.ANY) ? Optional.empty() : Optional.of(dictionary),
        words,
        PageTokens.size(request),
        PageTokens.position(request));
  }

  static FeatureView view(dev.loupe.proto.features.v1.FeatureView view, FeatureView unset) {
    return switch (view) {
      case FEATURE_VIEW_UNSPECIFIED -> unset;
      case FEATURE_VIEW_BASIC -> FeatureView.BASIC;
      case FEATURE_VIEW_FULL -> FeatureView.FULL;
      case UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              "view", "an unknown number", "FEATURE_VIEW_BASIC or FEATURE_VIEW_FULL");
    };
  }

  private static FeatureOrder order(String orderBy) {
    try {
      return FeatureOrder.parse(orderBy);
    } catch (OrderException e) {
      throw LoupeException.of(ErrorReason.INVALID_ORDER, "order_by: " + e.getMessage(), e)
          .with("field", "order_by");
    }
  }

  private static List<Condition> conditions(String filter) {
    try {
      return FilterParser.parse(filter);
    } catch (FilterException e) {
      throw LoupeException.of(ErrorReason.INVALID_FILTER, "filter: " + e.getMessage(), e)
          .with("field", "filter");
    }
  }

  private static void requireNew(boolean fresh, String field, String name) {
    if (!fresh) {
      throw LoupeException.invalidValue(field, name, "each name once");
    }
  }
}
