package dev.loupe.standalone.corpus;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads one template. Its notation:
 *
 * <ul>
 *   <li>{@code [words]} labels words with the template's own concept, {@code [@name words]} with
 *       another
 *   <li>{@code {list}} draws from a list, {@code {^list}} capitalises the draw, {@code {list#1}}
 *       repeats the draw that has the same tag
 *   <li>{@code {table.field}} is a field of a row, the same row throughout a sentence ({@code
 *       {table#2.field}} is another row)
 *   <li>{@code {one|two|three}} is an inline choice, and may nest
 *   <li>{@code {int:1:99}} is a number, {@code {calc:+:20}} a worked calculation
 *   <li>{@code \n} is a line break; a backslash before any other character takes it literally
 * </ul>
 */
final class TemplateParser {
  private static final Pattern DRAW = Pattern.compile("(\\^?)([a-z][a-z0-9-]*)(?:#(\\w+))?");
  private static final Pattern FIELD =
      Pattern.compile("(\\^?)([a-z][a-z0-9-]*)(?:#(\\w+))?\\.([a-z]+)");
  private static final Pattern NUMBER = Pattern.compile("int:(\\d+):(\\d+)");
  private static final Pattern CALCULATION = Pattern.compile("calc:([-+*]):(\\d+)");

  private final String source;
  private int at;

  private TemplateParser(String source) {
    this.source = source;
  }

  static List<TemplatePart> parse(String source) {
    TemplateParser parser = new TemplateParser(source);
    List<TemplatePart> parts = parser.parts("");
    if (parser.at != source.length()) {
      throw parser.error("unexpected '" + source.charAt(parser.at) + "'");
    }
    return parts;
  }

  /** Parts up to the end, or to one of the stop characters, which is left unread. */
  private List<TemplatePart> parts(String stops) {
    List<TemplatePart> parts = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    while (at < source.length() && stops.indexOf(source.charAt(at)) < 0) {
      char c = source.charAt(at++);
      switch (c) {
        case '\\' -> text.append(escaped());
        case '[' -> {
          flush(text, parts);
          parts.add(labelled());
        }
        case '{' -> {
          flush(text, parts);
          parts.add(braced());
        }
        case ']', '}' -> throw error("'" + c + "' without its opening bracket");
        default -> text.append(c);
      }
    }
    flush(text, parts);
    return List.copyOf(parts);
  }

  private static void flush(StringBuilder text, List<TemplatePart> parts) {
    if (text.length() > 0) {
      parts.add(new TemplatePart.Literal(text.toString()));
      text.setLength(0);
    }
  }

  private char escaped() {
    if (at == source.length()) {
      throw error("a backslash at the end");
    }
    char c = source.charAt(at++);
    return c == 'n' ? '\n' : c;
  }

  private TemplatePart labelled() {
    String concept = null;
    if (at < source.length() && source.charAt(at) == '@') {
      int space = source.indexOf(' ', at);
      if (space < 0) {
        throw error("a concept's name without words after it");
      }
      concept = source.substring(at + 1, space);
      at = space + 1;
    }
    List<TemplatePart> parts = parts("]");
    close(']');
    return new TemplatePart.Labelled(concept, parts);
  }

  private TemplatePart braced() {
    int open = at;
    List<List<TemplatePart>> alternatives = new ArrayList<>();
    alternatives.add(parts("|}"));
    while (at < source.length() && source.charAt(at) == '|') {
      at++;
      alternatives.add(parts("|}"));
    }
    close('}');
    return alternatives.size() > 1
        ? new TemplatePart.Choice(List.copyOf(alternatives))
        : reference(source.substring(open, at - 1));
  }

  private TemplatePart reference(String body) {
    Matcher number = NUMBER.matcher(body);
    if (number.matches()) {
      return new TemplatePart.Number(
          Integer.parseInt(number.group(1)), Integer.parseInt(number.group(2)));
    }
    Matcher calculation = CALCULATION.matcher(body);
    if (calculation.matches()) {
      return new TemplatePart.Calculation(
          calculation.group(1).charAt(0), Integer.parseInt(calculation.group(2)));
    }
    Matcher field = FIELD.matcher(body);
    if (field.matches()) {
      return new TemplatePart.Field(
          field.group(2), orEmpty(field.group(3)), field.group(4), !field.group(1).isEmpty());
    }
    Matcher draw = DRAW.matcher(body);
    if (draw.matches()) {
      return new TemplatePart.Draw(draw.group(2), orEmpty(draw.group(3)), !draw.group(1).isEmpty());
    }
    throw error("'{" + body + "}' is no list, field, number, calculation or choice");
  }

  private void close(char bracket) {
    if (at == source.length() || source.charAt(at) != bracket) {
      throw error("a missing '" + bracket + "'");
    }
    at++;
  }

  private static String orEmpty(String text) {
    return text == null ? "" : text;
  }

  private GrammarException error(String message) {
    return new GrammarException(message + " at character " + at + " of \"" + source + '"');
  }
}
