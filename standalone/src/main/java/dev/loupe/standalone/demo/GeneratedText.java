package dev.loupe.standalone.demo;

import dev.loupe.standalone.corpus.Concept;
import dev.loupe.standalone.corpus.CorpusGenerator;
import dev.loupe.standalone.corpus.LabelledDocument;
import java.util.Iterator;
import java.util.List;
import java.util.stream.LongStream;

/** The demo corpus, of which every stretch is labelled; none of it was seen by the demo model. */
final class GeneratedText implements TextSource {
  private static final long TRAINING = CorpusGenerator.HELD_OUT + (1L << 32);
  private static final long HELD_OUT = CorpusGenerator.HELD_OUT + (2L << 32);

  private final long seed;
  private final CorpusGenerator corpus;

  GeneratedText(long seed) {
    this.seed = seed;
    this.corpus = new CorpusGenerator(seed);
  }

  @Override
  public String description() {
    return "the demo corpus, " + concepts().size() + " labelled concepts";
  }

  @Override
  public String fingerprint() {
    // The text itself belongs in it: a changed grammar makes another corpus of the same seed.
    StringBuilder sample = new StringBuilder("generated:").append(seed);
    for (int i = 0; i < 64; i++) {
      sample.append('\n').append(corpus.document(TRAINING + i).text());
    }
    return Fingerprint.of(sample.toString());
  }

  @Override
  public List<String> concepts() {
    return corpus.concepts().stream().map(Concept::title).toList();
  }

  @Override
  public Iterator<LabelledDocument> training() {
    return from(TRAINING);
  }

  @Override
  public Iterator<LabelledDocument> heldOut() {
    return from(HELD_OUT);
  }

  private Iterator<LabelledDocument> from(long first) {
    return LongStream.iterate(first, i -> i + 1).mapToObj(corpus::document).iterator();
  }
}
