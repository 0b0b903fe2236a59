package dev.loupe.standalone.corpus;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The demo corpus: an endless sequence of short documents, each of one to four topics in natural
 * order. Document {@code i} depends on the seed and on {@code i} alone, so any range can be made
 * again; ranges that do not overlap are disjoint samples, {@link #HELD_OUT} being where the range
 * for evaluation begins.
 */
public final class CorpusGenerator {
  /** Documents from here on are never trained on. */
  public static final long HELD_OUT = 1L << 40;

  private static final List<String> FILES =
      List.of(
          "places.grammar",
          "nature.grammar",
          "people.grammar",
          "society.grammar",
          "language.grammar",
          "code.grammar");
  private static final int MIN_SENTENCES = 3;
  private static final int MAX_SENTENCES = 8;

  private final long seed;
  private final Grammar grammar;
  private final List<Topic> drawable;

  /** The corpus of a seed. */
  public CorpusGenerator(long seed) {
    this.seed = seed;
    this.grammar = GrammarReader.read(FILES);
    this.drawable = new ArrayList<>();
    for (Topic topic : grammar.topics()) {
      for (int i = 0; i < topic.weight(); i++) {
        drawable.add(topic);
      }
    }
  }

  /** Every concept, by id. */
  public List<Concept> concepts() {
    return grammar.concepts();
  }

  /**
   * Names of the US states and of their capitals, state after state: name, capital, name, capital.
   */
  public List<String> statesAndCapitals() {
    return names("states");
  }

  /** Names of the countries and of their capitals: name, capital, name, capital. */
  public List<String> countriesAndCapitals() {
    return names("countries");
  }

  private List<String> names(String table) {
    List<String> names = new ArrayList<>();
    for (Map<String, String> row : grammar.table(table).rows()) {
      names.add(row.get("name"));
      names.add(row.get("capital"));
    }
    return List.copyOf(names);
  }

  /**
   * Document {@code index} of the corpus.
   *
   * @throws IllegalArgumentException if the index is negative
   */
  public LabelledDocument document(long index) {
    if (index < 0) {
      throw new IllegalArgumentException("a document's index is 0 or more, was " + index);
    }
    SeededRandom random = new SeededRandom(seed, index);
    DocumentWriter writer = new DocumentWriter(grammar, random);
    int sentences = random.between(MIN_SENTENCES, MAX_SENTENCES);
    Topic topic = pick(random);
    boolean lineBreak = false;
    for (int i = 0; i < sentences; i++) {
      // Staying with a topic half of the time gives later words a context that earlier ones set.
      if (i > 0 && random.nextInt(2) == 0) {
        topic = pick(random);
      }
      if (!writer.isEmpty()) {
        writer.plain(lineBreak || topic.block() ? "\n" : " ");
      }
      writer.sentence(topic);
      lineBreak = topic.block();
    }
    return writer.document();
  }

  private Topic pick(SeededRandom random) {
    return drawable.get(random.nextInt(drawable.size()));
  }
}
