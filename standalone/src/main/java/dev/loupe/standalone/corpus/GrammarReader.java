package dev.loupe.standalone.corpus;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Reads grammar files from the class path. A file is a sequence of sections; a section is a heading
 * in the first column and indented lines below it:
 *
 * <pre>
 * list NAME [@CONCEPT]            then entries, separated by " | "
 * table NAME FILE.csv [COLUMN@CONCEPT ...]
 * concept NAME WEIGHT [block] : TITLE   then templates, "- TEMPLATE" or "-N TEMPLATE" for N times as often
 * </pre>
 *
 * Lines that begin with '#' are remarks. {@link TemplateParser} explains templates.
 */
final class GrammarReader {
  private static final String FOLDER = "/corpus/";
  private static final Pattern BAR = Pattern.compile(" \\| ");

  private final List<Topic> topics = new ArrayList<>();
  private final Map<String, WordList> lists = new LinkedHashMap<>();
  private final Map<String, FactTable> tables = new LinkedHashMap<>();

  private GrammarReader() {}

  /** Reads the named files of the corpus folder as one grammar. */
  static Grammar read(List<String> files) {
    GrammarReader reader = new GrammarReader();
    files.forEach(reader::readFile);
    return new Grammar(reader.topics, reader.lists, reader.tables);
  }

  private void readFile(String file) {
    String heading = null;
    List<String> body = new ArrayList<>();
    for (String line : lines(file)) {
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      if (line.startsWith(" ")) {
        body.add(line.strip());
      } else {
        endSection(file, heading, body);
        heading = line.strip();
        body.clear();
      }
    }
    endSection(file, heading, body);
  }

  private void endSection(String file, String heading, List<String> body) {
    if (heading == null) {
      return;
    }
    String[] words = heading.split("\\s+");
    switch (words[0]) {
      case "list" -> lists.put(words[1], list(words, body));
      case "table" -> tables.put(words[1], table(words));
      case "concept" -> topics.add(topic(heading, words, body));
      default ->
          throw new GrammarException(
              file + ": '" + heading + "' begins with none of list, table, concept");
    }
  }

  private static WordList list(String[] words, List<String> body) {
    List<List<TemplatePart>> entries = new ArrayList<>();
    for (String line : body) {
      for (String entry : BAR.split(line)) {
        entries.add(TemplateParser.parse(entry));
      }
    }
    return new WordList(
        words[1], words.length > 2 ? words[2].substring(1) : null, List.copyOf(entries));
  }

  private static FactTable table(String[] words) {
    List<String> lines = lines(words[2]);
    String[] header = lines.get(0).split(",");
    List<Map<String, String>> rows = new ArrayList<>();
    for (String line : lines.subList(1, lines.size())) {
      String[] values = line.split(",");
      if (values.length != header.length) {
        throw new GrammarException(
            words[2] + ": '" + line + "' should have " + header.length + " values");
      }
      Map<String, String> row = new LinkedHashMap<>();
      for (int i = 0; i < header.length; i++) {
        row.put(header[i], values[i]);
      }
      rows.add(row);
    }
    Map<String, String> concepts = new LinkedHashMap<>();
    for (int i = 3; i < words.length; i++) {
      int at = words[i].indexOf('@');
      concepts.put(words[i].substring(0, at), words[i].substring(at + 1));
    }
    return new FactTable(words[1], concepts, rows);
  }

  private Topic topic(String heading, String[] words, List<String> body) {
    Concept concept =
        new Concept(topics.size(), words[1], heading.substring(heading.indexOf(" : ") + 3).strip());
    List<List<TemplatePart>> templates = new ArrayList<>();
    for (String line : body) {
      int space = line.indexOf(' ');
      int times = space == 1 ? 1 : Integer.parseInt(line.substring(1, space));
      List<TemplatePart> template = TemplateParser.parse(line.substring(space + 1).strip());
      for (int i = 0; i < times; i++) {
        templates.add(template);
      }
    }
    return new Topic(
        concept, Integer.parseInt(words[2]), words[3].equals("block"), List.copyOf(templates));
  }

  private static List<String> lines(String file) {
    try (InputStream in = GrammarReader.class.getResourceAsStream(FOLDER + file)) {
      if (in == null) {
        throw new GrammarException("no grammar file " + FOLDER + file + " on the class path");
      }
      BufferedReader reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      return reader.lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
