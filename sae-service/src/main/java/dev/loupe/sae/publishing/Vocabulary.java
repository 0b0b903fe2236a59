package dev.loupe.sae.publishing;

import dev.loupe.sae.dictionary.FloatRows;
import java.util.List;

/** A model's tokens and unembedding. */
public interface Vocabulary {

  /** What token ids stand for. */
  List<String> tokens(String model, int[] ids);

  /** The tokens that each direction {@code [rows, d_model]} promotes and suppresses most. */
  List<LogitEffects> project(String model, FloatRows directions, int count);
}
