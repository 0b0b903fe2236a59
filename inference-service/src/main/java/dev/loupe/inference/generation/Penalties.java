package dev.loupe.inference.generation;

/**
 * What makes tokens less likely that a text holds already, prompt included.
 *
 * @param repetition a positive logit of such a token is divided by it, a negative one multiplied
 *     (Keskar et al. 2019); above 0, and 1 changes nothing
 * @param frequency then taken from the logit for each time that the text holds the token
 * @param presence then taken from the logit once
 */
public record Penalties(double repetition, double frequency, double presence) {
  /** Logits as they are. */
  public static final Penalties NONE = new Penalties(1, 0, 0);

  /** True when logits stay as they are. */
  public boolean areNone() {
    return equals(NONE);
  }

  /** Changes the logits of one row, which begin at an offset. */
  void apply(float[] logits, int offset, SeenTokens seen) {
    for (int i = 0; i < seen.distinct(); i++) {
      int id = seen.id(i);
      double logit = logits[offset + id];
      logit = logit < 0 ? logit * repetition : logit / repetition;
      logits[offset + id] = (float) (logit - frequency * seen.count(id) - presence);
    }
  }
}
