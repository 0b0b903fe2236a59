package dev.loupe.server.names;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The pattern of a kind of resource name, such as {@code
 * dictionaries/{dictionary}/features/{feature:index}}. A plain variable holds an id: 1 to 63
 * characters of lower-case letters, digits and hyphens, starting with a letter. An {@code :index}
 * holds a whole number from 0 without leading zeros.
 */
public final class ResourcePattern {
  /** What an id looks like, in words. */
  public static final String ID_RULE =
      "1 to 63 characters of lower-case letters, digits and hyphens, starting with a letter";

  /** The id that stands for any resource, in names given to {@link #parseOrAny}. */
  public static final String ANY = "-";

  private static final Pattern ID = Pattern.compile("[a-z][a-z0-9-]{0,62}");
  private static final Pattern INDEX = Pattern.compile("0|[1-9][0-9]{0,17}");

  private record Segment(String text, boolean variable, Pattern rule) {}

  private final String shown;
  private final List<Segment> segments = new ArrayList<>();
  private final int variables;

  private ResourcePattern(String pattern) {
    this.shown = pattern.replace(":index}", "}");
    for (String part : pattern.split("/", -1)) {
      if (part.startsWith("{") && part.endsWith("}")) {
        segments.add(new Segment(part, true, part.endsWith(":index}") ? INDEX : ID));
      } else {
        segments.add(new Segment(part, false, null));
      }
    }
    this.variables = (int) segments.stream().filter(Segment::variable).count();
  }

  /** The pattern that this text describes. */
  public static ResourcePattern of(String pattern) {
    return new ResourcePattern(pattern);
  }

  /**
   * Gives a name's variable parts in order.
   *
   * @param field that holds the name, for the error
   * @throws LoupeException INVALID_NAME
   */
  public List<String> parse(String field, String name) {
    return parse(field, name, false);
  }

  /** The same, where {@code -} may stand for any resource. */
  public List<String> parseOrAny(String field, String name) {
    return parse(field, name, true);
  }

  /** Gives the one variable part of a name. Throws as {@link #parse(String, String)} does. */
  public String parseId(String field, String name) {
    return parse(field, name).get(variables - 1);
  }

  /** Whether a name follows the pattern. */
  public boolean matches(String name) {
    String[] parts = name.split("/", -1);
    if (parts.length != segments.size()) {
      return false;
    }
    for (int i = 0; i < parts.length; i++) {
      if (!fits(segments.get(i), parts[i], false)) {
        return false;
      }
    }
    return true;
  }

  /**
   * The name with these variable parts.
   *
   * @throws IllegalArgumentException if their number is not the pattern's
   */
  public String format(Object... parts) {
    if (parts.length != variables) {
      throw new IllegalArgumentException(
          shown + " has " + variables + " variable parts, not " + parts.length);
    }
    StringBuilder name = new StringBuilder();
    int next = 0;
    for (Segment segment : segments) {
      if (name.length() > 0) {
        name.append('/');
      }
      name.append(segment.variable() ? parts[next++] : segment.text());
    }
    return name.toString();
  }

  /**
   * Checks an id that a client chose.
   *
   * @throws LoupeException INVALID_NAME
   */
  public static String requireId(String field, String id) {
    if (!ID.matcher(id).matches()) {
      throw LoupeException.invalid(ErrorReason.INVALID_NAME, field, id, ID_RULE);
    }
    return id;
  }

  @Override
  public String toString() {
    return shown;
  }

  private List<String> parse(String field, String name, boolean any) {
    String[] parts = name.split("/", -1);
    List<String> values = new ArrayList<>(variables);
    boolean fits = parts.length == segments.size();
    for (int i = 0; fits && i < parts.length; i++) {
      Segment segment = segments.get(i);
      fits = fits(segment, parts[i], any);
      if (segment.variable()) {
        values.add(parts[i]);
      }
    }
    if (!fits) {
      throw LoupeException.invalid(
          ErrorReason.INVALID_NAME, field, name, "a name of the form " + described());
    }
    return values;
  }

  private static boolean fits(Segment segment, String part, boolean any) {
    if (!segment.variable()) {
      return segment.text().equals(part);
    }
    return segment.rule().matcher(part).matches() || (any && part.equals(ANY));
  }

  private String described() {
    boolean ids = segments.stream().anyMatch(s -> s.variable() && s.rule() == ID);
    boolean indices = segments.stream().anyMatch(s -> s.variable() && s.rule() == INDEX);
    return shown
        + (ids ? " with ids of " + ID_RULE : "")
        + (indices ? (ids ? ", and" : " with") + " an index from 0" : "");
  }
}
