package dev.loupe.gateway.rest;

import com.google.api.HttpRule;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A path of a google.api.http rule, such as {@code /v1/{model=models/*}:tokenize}. A variable is a
 * text field of the request and holds a resource name, of one or more collections.
 */
public final class PathTemplate {
  /**
   * One id in a path, as OpenAPI knows it.
   *
   * @param name such as {@code model}
   * @param field of the request that holds the resource name
   * @param segment of that name, from 0, that is the id
   */
  public record Parameter(String name, String field, int segment) {}

  private static final Pattern VARIABLE = Pattern.compile("\\{([a-z_]+)=([^}]*)}");
  private static final String ID = "*";

  private final String text;
  private final List<String> fields = new ArrayList<>();
  private final List<Parameter> parameters = new ArrayList<>();
  private final Pattern pattern;
  private final String openApi;

  private PathTemplate(String text) {
    this.text = text;
    StringBuilder regex = new StringBuilder("^");
    StringBuilder shown = new StringBuilder();
    Matcher variable = VARIABLE.matcher(text);
    int end = 0;
    while (variable.find()) {
      String literal = text.substring(end, variable.start());
      regex.append(Pattern.quote(literal));
      shown.append(literal);
      regex.append('(').append(variable.group(2).replace(ID, "[^/]+")).append(')');
      shown.append(named(variable.group(1), variable.group(2).split("/")));
      fields.add(variable.group(1));
      end = variable.end();
    }
    String rest = text.substring(end);
    pattern = Pattern.compile(regex.append(Pattern.quote(rest)).append('$').toString());
    openApi = shown.append(rest).toString();
  }

  /** The path of a rule. */
  public static PathTemplate of(HttpRule rule) {
    return new PathTemplate(
        switch (rule.getPatternCase()) {
          case GET -> rule.getGet();
          case DELETE -> rule.getDelete();
          case POST -> rule.getPost();
          default -> throw new IllegalArgumentException(rule.getPatternCase() + " is not served");
        });
  }

  /** Names of the request's fields that the path holds. */
  public List<String> fields() {
    return List.copyOf(fields);
  }

  /** What matches the path, with a group for each field, in their order. */
  public Pattern pattern() {
    return pattern;
  }

  /** The path in OpenAPI's form, {@code /v1/models/{model}:tokenize}. */
  public String openApi() {
    return openApi;
  }

  /** The ids in it, in their order. */
  public List<Parameter> parameters() {
    return List.copyOf(parameters);
  }

  @Override
  public String toString() {
    return text;
  }

  private String named(String field, String[] segments) {
    List<String> shown = new ArrayList<>();
    for (int i = 0; i < segments.length; i++) {
      if (segments[i].equals(ID)) {
        String name = singular(segments[i - 1]);
        parameters.add(new Parameter(name, field, i));
        shown.add("{" + name + "}");
      } else {
        shown.add(segments[i]);
      }
    }
    return String.join("/", shown);
  }

  private static String singular(String collection) {
    if (collection.equals("corpora")) {
      return "corpus";
    }
    return collection.endsWith("ies")
        ? collection.substring(0, collection.length() - 3) + "y"
        : collection.substring(0, collection.length() - 1);
  }
}
