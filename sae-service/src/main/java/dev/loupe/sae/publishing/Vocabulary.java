package dev.loupe.sae.publishing;

import dev.loupe.sae.dictionary.FloatRows;
import java.util.List;

/** A model's tokens and unembedding. */
public interface Vocabulary {

  /** What token ids stand for. */
  List<VocabularyToken> tokens(String model, int[] ids);

  /**
   * The tokens with the largest and the smallest product of each direction {@code [rows, d_model]}
   * and the unembedding.
   *
   * @param throughFinalNorm whether directions are first centred and multiplied with the final
   *     layer norm's weight, its scale left out
   */
  List<TokenExtremes> project(
      String model, FloatRows directions, int count, boolean throughFinalNorm);
}
