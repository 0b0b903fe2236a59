package dev.loupe.inference.analysis;

import dev.loupe.inference.model.GptConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * An attention head.
 *
 * @param layer from 0
 * @param index from 0
 */
public record Head(int layer, int index) {

  /** Every head of a model, layer by layer. */
  public static List<Head> all(GptConfig config) {
    List<Head> heads = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (int index = 0; index < config.heads(); index++) {
        heads.add(new Head(layer, index));
      }
    }
    return heads;
  }
}
