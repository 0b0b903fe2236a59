package dev.loupe.features.domain;

import dev.loupe.features.domain.Condition.Comparison;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads filters of features, by recursive descent.
 *
 * <pre>
 * filter     = [ condition { "AND" condition } ]
 * condition  = measure comparison number | ( "label" | "token" ) ":" text
 * measure    = "density" | "max_activation" | "mean_activation" | "label_score"
 * comparison = "=" | "!=" | "&lt;" | "&lt;=" | "&gt;" | "&gt;="
 * text       = '"' { any character but '"' and '\' | '\"' | '\\' } '"'
 * </pre>
 *
 * White space may stand between any two of these.
 */
public final class FilterParser {

  /** A longer filter is refused. */
  public static final int MAX_LENGTH = 2_000;

  /** A filter with more conditions is refused. */
  public static final int MAX_CONDITIONS = 20;

  private static final String CONDITION_STARTS =
      "density, max_activation, mean_activation, label_score, label or token";

  private final String text;
  private int at;

  private FilterParser(String text) {
    this.text = text;
  }

  /**
   * Reads a filter.
   *
   * @param text blank takes all features
   * @return the conditions, all of which must hold
   * @throws FilterException if the text is no filter
   */
  public static List<Condition> parse(String text) {
    if (text.length() > MAX_LENGTH) {
      throw new FilterException(
          "has " + text.length() + " characters; at most " + MAX_LENGTH + " are accepted");
    }
    return new FilterParser(text).filter();
  }

  private List<Condition> filter() {
    List<Condition> conditions = new ArrayList<>();
    if (atEnd()) {
      return conditions;
    }
    conditions.add(condition());
    while (!atEnd()) {
      int start = at;
      if (!word().equals("AND")) {
        throw expected(start, "AND");
      }
      conditions.add(condition());
      if (conditions.size() > MAX_CONDITIONS) {
        throw new FilterException("has more than " + MAX_CONDITIONS + " conditions");
      }
    }
    return List.copyOf(conditions);
  }

  private Condition condition() {
    skipSpace();
    int start = at;
    String name = word();
    if (name.equals("label")) {
      return new Condition.LabelContains(contained());
    }
    if (name.equals("token")) {
      return new Condition.TokenContains(contained());
    }
    Optional<Measure> measure = Measure.named(name);
    if (measure.isEmpty()) {
      throw expected(start, CONDITION_STARTS);
    }
    return new Condition.Compares(measure.get(), comparison(), number());
  }

  private Comparison comparison() {
    skipSpace();
    int start = at;
    while (at < text.length() && "=!<>".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    return switch (text.substring(start, at)) {
      case "=" -> Comparison.EQUAL;
      case "!=" -> Comparison.NOT_EQUAL;
      case "<" -> Comparison.LESS;
      case "<=" -> Comparison.AT_MOST;
      case ">" -> Comparison.GREATER;
      case ">=" -> Comparison.AT_LEAST;
      default -> throw expected(start, "=, !=, <, <=, > or >=");
    };
  }

  private double number() {
    skipSpace();
    int start = at;
    while (at < text.length() && "+-.0123456789eE".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
    try {
      double value = Double.parseDouble(text.substring(start, at));
      if (Double.isFinite(value)) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Said below, with the place where it stands.
    }
    throw expected(start, "a finite number");
  }

  private String contained() {
    skipSpace();
    if (at == text.length() || text.charAt(at) != ':') {
      throw expected(at, "\":\"");
    }
    at++;
    skipSpace();
    int start = at;
    if (at == text.length() || text.charAt(at) != '"') {
      throw expected(at, "a text in double quotes");
    }
    at++;
    StringBuilder value = new StringBuilder();
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == '"') {
        if (value.isEmpty()) {
          throw expected(start, "a text of at least one character");
        }
        return value.toString();
      }
      if (c == '\\') {
        if (at == text.length() || "\"\\".indexOf(text.charAt(at)) < 0) {
          throw expected(at, "\\\" or \\\\");
        }
        c = text.charAt(at++);
      }
      value.append(c);
    }
    throw expected(text.length(), "a closing double quote");
  }

  private String word() {
    skipSpace();
    int start = at;
    while (at < text.length()
        && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '_')) {
      at++;
    }
    return text.substring(start, at);
  }

  private boolean atEnd() {
    skipSpace();
    return at == text.length();
  }

  private void skipSpace() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  private FilterException expected(int position, String what) {
    return new FilterException(
        "\""
            + text
            + "\" goes wrong at character "
            + (position + 1)
            + ": expected "
            + what
            + (position < text.length()
                ? ", found \"" + text.charAt(position) + "\""
                : ", found the end"));
  }
}
