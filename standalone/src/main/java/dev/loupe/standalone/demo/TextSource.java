package dev.loupe.standalone.demo;

import dev.loupe.standalone.corpus.LabelledDocument;
import java.util.Iterator;
import java.util.List;

/** Where the text of the story comes from. */
interface TextSource {
  /** In a few words, for the reader. */
  String description();

  /** What tells this text from any other, for what may be used again. */
  String fingerprint();

  /** Titles of the concepts that the text is labelled with, by id; empty without labels. */
  List<String> concepts();

  /** Documents to train a dictionary on, read as they are asked for. */
  Iterator<LabelledDocument> training();

  /** Documents that no dictionary is trained on, read as they are asked for. */
  Iterator<LabelledDocument> heldOut();
}
