package dev.loupe.features.storage;

import dev.loupe.features.domain.FeatureSearch;
import dev.loupe.features.domain.FeatureView;
import dev.loupe.features.domain.WordField;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The statement for a page of a search. The points of a match are the sum over words of the best
 * hit's points, so databases with different ideas of relevance agree.
 *
 * @param text the statement
 * @param parameters by name
 */
record SearchSql(String text, Map<String, Object> parameters) {

  static SearchSql of(FeatureSearch search, Dialect dialect) {
    Map<String, Object> parameters = new LinkedHashMap<>();
    StringBuilder where = new StringBuilder();
    StringBuilder points = new StringBuilder();
    if (search.dictionary().isPresent()) {
      where.append("f.dictionary = :dictionary");
      parameters.put("dictionary", search.dictionary().get());
    }
    for (int i = 0; i < search.words().size(); i++) {
      String word = search.words().get(i);
      String any = "w" + i;
      parameters.put(any, dialect.anyFieldTerm(word));
      where
          .append(where.isEmpty() ? "" : " AND ")
          .append("(")
          .append(dialect.matches(WordField.LABEL, any))
          .append(" OR ")
          .append(dialect.matchesContent(any))
          .append(")");
      points.append(points.isEmpty() ? "" : " + ").append(points(word, i, dialect, parameters));
    }
    String after = "";
    if (search.after().isPresent()) {
      FeatureSearch.Position position = search.after().get();
      parameters.put("afterPoints", position.points());
      parameters.put("afterDictionary", position.id().dictionary());
      parameters.put("afterIndex", position.id().index());
      after =
          " WHERE m.points < :afterPoints OR (m.points = :afterPoints AND"
              + " (m.dictionary > :afterDictionary OR (m.dictionary = :afterDictionary"
              + " AND m.feature_index > :afterIndex)))";
    }
    parameters.put("limit", search.limit() + 1);
    return new SearchSql(
        "SELECT * FROM (SELECT "
            + FeatureRow.columns(FeatureView.BASIC)
            + ", "
            + points
            + " AS points FROM feature f WHERE "
            + where
            + ") m"
            + after
            + " ORDER BY m.points DESC, m.dictionary, m.feature_index LIMIT :limit",
        parameters);
  }

  /** An expression: what the best hit of a word is worth. */
  private static String points(
      String word, int i, Dialect dialect, Map<String, Object> parameters) {
    StringBuilder text = new StringBuilder("CASE");
    for (WordField field : WordField.values()) {
      for (boolean prefix : new boolean[] {false, true}) {
        String parameter = "w" + i + field.name().charAt(0) + (prefix ? "p" : "e");
        parameters.put(parameter, dialect.term(field, word, prefix));
        text.append(" WHEN ")
            .append(dialect.matches(field, parameter))
            .append(" THEN ")
            .append(prefix ? field.prefixPoints() : field.exactPoints());
      }
    }
    return text.append(" ELSE 0 END").toString();
  }
}
