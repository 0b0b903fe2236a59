package dev.loupe.inference.model.hooks;

import dev.loupe.inference.model.GptConfig;
import java.util.Locale;

/** What a dimension of an activation counts. */
public enum HookAxis {
  BATCH,
  POS,
  QUERY,
  KEY,
  HEAD,
  D_MODEL,
  D_HEAD,
  D_MLP,
  D_VOCAB,
  /** A single number: the scale of a layer norm. */
  SCALE;

  /** The axis's name on the wire, for example {@code d_model}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The axis's length in a model; 0 where it depends on the tokens. */
  public int size(GptConfig config) {
    return switch (this) {
      case BATCH, POS, QUERY, KEY -> 0;
      case HEAD -> config.heads();
      case D_MODEL -> config.dModel();
      case D_HEAD -> config.dHead();
      case D_MLP -> config.dMlp();
      case D_VOCAB -> config.vocabularySize();
      case SCALE -> 1;
    };
  }
}
