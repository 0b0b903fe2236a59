package dev.loupe.sae.dictionary;

import java.util.List;

/**
 * A sparse dictionary: turns activations {@code [rows, d_in]} into a few active features of {@code
 * d_sae}, and back. Encoding and decoding may run from several threads at once, training from one.
 */
public sealed interface Dictionary permits StandardDictionary, TopKDictionary {

  /** Which architecture this is, with its constants. */
  Architecture architecture();

  /** The weights that encoding and decoding share. */
  DictionaryWeights weights();

  /** Width of the activations. */
  default int dIn() {
    return weights().dIn();
  }

  /** Number of features. */
  default int dSae() {
    return weights().dSae();
  }

  /** The active features of each row {@code [rows, d_in]}. */
  SparseFeatures encode(FloatRows activations);

  /** Encodes and decodes, undoing the input's normalisation. */
  Reconstruction reconstruct(FloatRows activations);

  /**
   * Decodes features into activations {@code [rows, d_in]}.
   *
   * @throws NeedsInputException when the dictionary normalises each activation, so that features
   *     alone do not say how large a reconstruction is
   */
  FloatRows decode(SparseFeatures features);

  /** What training changes, always in the same order. */
  default List<Parameter> parameters() {
    return weights().parameters();
  }

  /** Ends a change of the parameters: applies what holds between them, and lets encoding see it. */
  void settle();

  /** A new computation of losses and gradients on batches of at most this many rows. */
  TrainingPass trainingPass(int batchRows);

  /** The same function with unit decoder directions where the architecture allows it. */
  Dictionary finished();
}
