package dev.loupe.standalone.corpus;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Everything the generator can say: concepts with their sentences, word lists and fact tables. */
final class Grammar {
  private final List<Topic> topics;
  private final Map<String, WordList> lists;
  private final Map<String, FactTable> tables;
  private final Map<String, Concept> concepts = new LinkedHashMap<>();

  /**
   * @throws GrammarException if a template names a list, table, field or concept that is not there
   */
  Grammar(List<Topic> topics, Map<String, WordList> lists, Map<String, FactTable> tables) {
    this.topics = List.copyOf(topics);
    this.lists = Map.copyOf(lists);
    this.tables = Map.copyOf(tables);
    for (Topic topic : topics) {
      if (concepts.put(topic.concept().name(), topic.concept()) != null) {
        throw new GrammarException("concept '" + topic.concept().name() + "' stands twice");
      }
    }
    for (Topic topic : topics) {
      topic.templates().forEach(this::check);
    }
    for (WordList list : lists.values()) {
      list.entries().forEach(this::check);
      if (list.concept() != null) {
        concept(list.concept());
      }
    }
    tables.values().forEach(table -> table.concepts().values().forEach(this::concept));
  }

  List<Topic> topics() {
    return topics;
  }

  List<Concept> concepts() {
    return List.copyOf(concepts.values());
  }

  WordList list(String name) {
    return found(lists.get(name), "list", name);
  }

  FactTable table(String name) {
    return found(tables.get(name), "table", name);
  }

  Concept concept(String name) {
    return found(concepts.get(name), "concept", name);
  }

  private void check(List<TemplatePart> parts) {
    for (TemplatePart part : parts) {
      if (part instanceof TemplatePart.Draw draw) {
        list(draw.list());
      } else if (part instanceof TemplatePart.Field field) {
        if (!table(field.table()).rows().get(0).containsKey(field.field())) {
          throw new GrammarException(
              "table '" + field.table() + "' has no column '" + field.field() + "'");
        }
      } else if (part instanceof TemplatePart.Choice choice) {
        choice.alternatives().forEach(this::check);
      } else if (part instanceof TemplatePart.Labelled labelled) {
        check(labelled.parts());
        if (labelled.concept() != null) {
          concept(labelled.concept());
        }
      }
    }
  }

  private static <T> T found(T value, String kind, String name) {
    if (value == null) {
      throw new GrammarException("no " + kind + " is called '" + name + "'");
    }
    return value;
  }
}
