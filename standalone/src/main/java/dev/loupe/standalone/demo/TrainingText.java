package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.DictionaryClient;
import java.util.List;

/**
 * Rows of token ids under a name that tells their content.
 *
 * @param id the corpus's id at the sae-service
 * @param rows token ids, [rows, pos]
 */
record TrainingText(String id, List<int[]> rows) {
  TrainingText {
    rows = List.copyOf(rows);
  }

  /** Stores the rows at the sae-service unless they are there; gives the corpus's name. */
  String store(DemoContext context) {
    DictionaryClient client = context.client().dictionaries();
    String name = "corpora/" + id;
    if (!client.hasCorpus(name)) {
      client.createCorpus(id, context.model().name(), rows);
    }
    return name;
  }
}
