package dev.loupe.standalone.corpus;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Writes one document: expands templates, and keeps the labelled stretches in bytes. */
final class DocumentWriter {
  private static final int REDRAWS = 6;

  private final Grammar grammar;
  private final SeededRandom random;
  private final StringBuilder text = new StringBuilder();
  private final List<Span> spans = new ArrayList<>();
  private final Map<String, Integer> bound = new HashMap<>();
  private final Set<String> drawn = new HashSet<>();
  private int bytes;

  DocumentWriter(Grammar grammar, SeededRandom random) {
    this.grammar = grammar;
    this.random = random;
  }

  /** Appends one of the topic's sentences; what tags stand for is drawn afresh. */
  void sentence(Topic topic) {
    bound.clear();
    drawn.clear();
    List<List<TemplatePart>> templates = topic.templates();
    expand(templates.get(random.nextInt(templates.size())), topic.concept().name());
  }

  /** Appends text that belongs to no concept. */
  void plain(String words) {
    text.append(words);
    bytes += words.getBytes(StandardCharsets.UTF_8).length;
  }

  boolean isEmpty() {
    return bytes == 0;
  }

  LabelledDocument document() {
    return new LabelledDocument(text.toString(), spans);
  }

  private void expand(List<TemplatePart> parts, String concept) {
    for (TemplatePart part : parts) {
      if (part instanceof TemplatePart.Literal literal) {
        plain(literal.text());
      } else if (part instanceof TemplatePart.Draw draw) {
        draw(draw, concept);
      } else if (part instanceof TemplatePart.Field field) {
        field(field);
      } else if (part instanceof TemplatePart.Number number) {
        plain(Integer.toString(random.between(number.low(), number.high())));
      } else if (part instanceof TemplatePart.Calculation calculation) {
        calculate(calculation);
      } else if (part instanceof TemplatePart.Choice choice) {
        expand(choice.alternatives().get(random.nextInt(choice.alternatives().size())), concept);
      } else if (part instanceof TemplatePart.Labelled labelled) {
        int start = bytes;
        String name = labelled.concept() == null ? concept : labelled.concept();
        expand(labelled.parts(), concept);
        label(start, name);
      }
    }
  }

  private void draw(TemplatePart.Draw draw, String concept) {
    WordList list = grammar.list(draw.list());
    int entry = choose(draw.list(), draw.tag(), list.entries().size());
    int start = bytes;
    int from = text.length();
    int spansBefore = spans.size();
    expand(list.entries().get(entry), concept);
    if (draw.capitalised()) {
      // Only entries that begin with a letter of one UTF-16 unit are capitalised: bytes stay as
      // counted.
      text.setCharAt(from, Character.toUpperCase(text.charAt(from)));
    }
    label(start, list.concept());
    matchArticle(from, spansBefore);
  }

  /** Turns "a" before a vowel into "an", and moves what the draw has labelled along. */
  private void matchArticle(int from, int spansBefore) {
    boolean article =
        from >= 2
            && text.charAt(from - 1) == ' '
            && (text.charAt(from - 2) == 'a' || text.charAt(from - 2) == 'A')
            && (from == 2 || Character.isWhitespace(text.charAt(from - 3)));
    if (!article || from == text.length() || "aeiou".indexOf(text.charAt(from)) < 0) {
      return;
    }
    text.insert(from - 1, 'n');
    bytes++;
    for (int i = spansBefore; i < spans.size(); i++) {
      Span span = spans.get(i);
      spans.set(i, new Span(span.start() + 1, span.end() + 1, span.concept()));
    }
  }

  private void field(TemplatePart.Field field) {
    FactTable table = grammar.table(field.table());
    String tag = field.tag().isEmpty() ? "the row" : field.tag();
    int row = choose(field.table(), tag, table.rows().size());
    String value = table.rows().get(row).get(field.field());
    int start = bytes;
    plain(
        field.capitalised() ? Character.toUpperCase(value.charAt(0)) + value.substring(1) : value);
    label(start, table.concepts().get(field.field()));
  }

  /**
   * An entry not yet drawn in this sentence if one turns up soon; a tag's own entry if it has one.
   */
  private int choose(String name, String tag, int size) {
    Integer known = bound.get(name + '#' + tag);
    if (known != null) {
      return known;
    }
    int entry = random.nextInt(size);
    for (int i = 0; i < REDRAWS && drawn.contains(name + entry); i++) {
      entry = random.nextInt(size);
    }
    drawn.add(name + entry);
    if (!tag.isEmpty()) {
      bound.put(name + '#' + tag, entry);
    }
    return entry;
  }

  private void calculate(TemplatePart.Calculation calculation) {
    int a = random.between(1, calculation.high());
    int b = random.between(1, calculation.high());
    switch (calculation.operator()) {
      case '+' -> plain(a + " + " + b + " = " + (a + b));
      case '-' -> plain((a + b) + " - " + b + " = " + a);
      default -> plain(a + " * " + b + " = " + (a * b));
    }
  }

  private void label(int start, String concept) {
    if (concept != null && bytes > start) {
      spans.add(new Span(start, bytes, grammar.concept(concept).id()));
    }
  }
}
