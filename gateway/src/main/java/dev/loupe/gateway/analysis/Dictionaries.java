package dev.loupe.gateway.analysis;

import java.util.List;

/** Sparse dictionaries. */
public interface Dictionaries {
  /** Describes a dictionary. */
  DictionaryFacts describe(String dictionary);

  /** The active features of each row. */
  List<SparseFeatures> encode(String dictionary, Activations activations);
}
