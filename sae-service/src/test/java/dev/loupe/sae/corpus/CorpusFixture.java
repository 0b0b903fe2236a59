package dev.loupe.sae.corpus;

import java.nio.file.Path;
import java.util.List;

/** Stored corpora for tests. */
public final class CorpusFixture {
  private CorpusFixture() {}

  /** Stores rows and opens them. */
  public static Corpus open(Path root, String id, List<int[]> rows) {
    CorpusStore store = new CorpusStore(root);
    store.create(id, "some-model", "", rows.iterator());
    return store.open(id);
  }
}
