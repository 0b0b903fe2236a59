package dev.loupe.inference.serving;

import dev.loupe.inference.model.ComputeType;
import dev.loupe.inference.processing.WeightProcessing;

/**
 * In which form a model's weights are used.
 *
 * @param computeType that it computes in
 * @param processing of its weights
 */
public record ModelForm(ComputeType computeType, WeightProcessing processing) {
  /** In float32, as they are stored. */
  public static final ModelForm AS_STORED = new ModelForm(ComputeType.F32, WeightProcessing.NONE);

  /**
   * Reads {@code f32} or {@code bf16}, and what {@link WeightProcessing#parse} reads, joined by
   * {@code +}.
   *
   * @throws IllegalArgumentException naming what is neither
   */
  static ModelForm parse(String text) {
    ComputeType type = ComputeType.F32;
    StringBuilder steps = new StringBuilder("none");
    for (String word : text.split("\\+", -1)) {
      switch (word.strip()) {
        case "f32" -> type = ComputeType.F32;
        case "bf16" -> type = ComputeType.BF16;
        default -> steps.append('+').append(word);
      }
    }
    return new ModelForm(type, WeightProcessing.parse(steps.toString()));
  }
}
