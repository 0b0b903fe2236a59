package dev.loupe.standalone.pretrain;

import dev.loupe.standalone.corpus.BpeTrainer;
import dev.loupe.standalone.corpus.CorpusGenerator;
import dev.loupe.standalone.corpus.TrainedBpe;

/** Trains the demo model's tokenizer: on the corpus, with the names of places as whole tokens. */
final class DemoTokenizer {
  /** A place's name counts like a frequent word, so that it ends up as one token. */
  private static final int NAME_COUNT = 20_000;

  private DemoTokenizer() {}

  static TrainedBpe train(CorpusGenerator corpus, int documents, int vocabulary) {
    BpeTrainer trainer = new BpeTrainer();
    for (int i = 0; i < documents; i++) {
      trainer.add(corpus.document(i).text());
    }
    corpus.statesAndCapitals().forEach(name -> trainer.add(" " + name, NAME_COUNT));
    corpus.countriesAndCapitals().forEach(name -> trainer.add(" " + name, NAME_COUNT / 2));
    return trainer.train(vocabulary);
  }
}
