package dev.loupe.features.storage;

import dev.loupe.features.domain.Condition;
import dev.loupe.features.domain.FeatureOrder;
import dev.loupe.features.domain.FeatureQuery;
import dev.loupe.features.domain.Measure;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The statement for a page of a list. Names of columns come from enums; everything that a caller
 * wrote is a parameter.
 *
 * @param text the statement
 * @param parameters by name
 */
record ListSql(String text, Map<String, Object> parameters) {

  static ListSql of(FeatureQuery query, Dialect dialect) {
    Map<String, Object> parameters = new LinkedHashMap<>();
    StringBuilder where = new StringBuilder("f.dictionary = :dictionary");
    parameters.put("dictionary", query.dictionary());
    for (int i = 0; i < query.conditions().size(); i++) {
      String parameter = "c" + i;
      Condition condition = query.conditions().get(i);
      where.append(" AND ").append(sql(condition, parameter, dialect));
      parameters.put(parameter, value(condition));
    }
    if (query.after().isPresent()) {
      where.append(" AND ").append(after(query.order(), query.after().get(), parameters));
    }
    parameters.put("limit", query.limit() + 1);
    return new ListSql(
        "SELECT "
            + FeatureRow.columns(query.view())
            + " FROM feature f WHERE "
            + where
            + " ORDER BY "
            + orderBy(query.order())
            + " LIMIT :limit",
        parameters);
  }

  private static String sql(Condition condition, String parameter, Dialect dialect) {
    if (condition instanceof Condition.Compares compares) {
      return "f." + column(compares.measure()) + operator(compares.comparison()) + ":" + parameter;
    }
    if (condition instanceof Condition.LabelContains) {
      return "EXISTS (SELECT 1 FROM label l WHERE l.feature_id = f.id AND "
          + dialect.position("l.folded", parameter)
          + " > 0)";
    }
    return dialect.position("f.top_tokens", parameter) + " > 0";
  }

  private static Object value(Condition condition) {
    if (condition instanceof Condition.Compares compares) {
      return compares.value();
    }
    if (condition instanceof Condition.LabelContains contains) {
      return IndexedText.comparable(contains.text());
    }
    return IndexedText.comparable(((Condition.TokenContains) condition).text());
  }

  private static String after(
      FeatureOrder order, FeatureQuery.Position position, Map<String, Object> parameters) {
    parameters.put("afterIndex", position.index());
    Optional<Measure> measure = order.measure();
    if (measure.isEmpty()) {
      return "f.feature_index " + (order.descending() ? "<" : ">") + " :afterIndex";
    }
    parameters.put("afterValue", position.value());
    String column = "f." + column(measure.get());
    String beyond = order.descending() ? " < " : " > ";
    // The first part says nothing new, but an index can start there.
    return "%1$s %2$s= :afterValue AND (%1$s %2$s :afterValue OR f.feature_index > :afterIndex)"
        .formatted(column, beyond.strip());
  }

  private static String orderBy(FeatureOrder order) {
    String direction = order.descending() ? " DESC" : "";
    return order
        .measure()
        .map(measure -> "f." + column(measure) + direction + ", f.feature_index")
        .orElse("f.feature_index" + direction);
  }

  private static String column(Measure measure) {
    return switch (measure) {
      case DENSITY -> "density";
      case MAX_ACTIVATION -> "max_activation";
      case MEAN_ACTIVATION -> "mean_activation";
      case LABEL_SCORE -> "label_score";
    };
  }

  private static String operator(Condition.Comparison comparison) {
    return switch (comparison) {
      case EQUAL -> " = ";
      case NOT_EQUAL -> " <> ";
      case LESS -> " < ";
      case AT_MOST -> " <= ";
      case GREATER -> " > ";
      case AT_LEAST -> " >= ";
    };
  }
}
