package dev.loupe.inference.processing;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Which steps of weight processing a model went through. They run in the order of the components,
 * whatever the order in which they were asked for. All but {@code centerUnembed} leave the logits
 * as they are; that one moves all logits of a position by the same number.
 *
 * @param foldLn folds each layer norm's weight and bias into the weights that read it
 * @param centerWritingWeights takes the mean over d_model out of what writes to the residual stream
 * @param centerUnembed takes the mean over the vocabulary out of the unembedding
 * @param foldValueBiases moves what the value biases add to the attention's output into its bias
 */
public record WeightProcessing(
    boolean foldLn, boolean centerWritingWeights, boolean centerUnembed, boolean foldValueBiases) {
  /** Weights as the file holds them. */
  public static final WeightProcessing NONE = new WeightProcessing(false, false, false, false);

  /** All steps: what TransformerLens does unless told not to. */
  public static final WeightProcessing ALL = new WeightProcessing(true, true, true, true);

  private static final String EXPECTED =
      "none, all, or some of fold_ln, center_writing_weights, center_unembed, fold_value_biases joined by +";

  /** True when no step is taken. */
  public boolean isNone() {
    return equals(NONE);
  }

  /** The names of the steps, in the order in which they are taken. */
  public List<String> steps() {
    List<String> steps = new ArrayList<>();
    if (foldLn) {
      steps.add("fold_ln");
    }
    if (centerWritingWeights) {
      steps.add("center_writing_weights");
    }
    if (centerUnembed) {
      steps.add("center_unembed");
    }
    if (foldValueBiases) {
      steps.add("fold_value_biases");
    }
    return steps;
  }

  /**
   * Reads {@code none}, {@code all}, or names of steps joined by {@code +}.
   *
   * @throws IllegalArgumentException naming what is not a step
   */
  public static WeightProcessing parse(String text) {
    WeightProcessing steps = NONE;
    for (String name : text.strip().toLowerCase(Locale.ROOT).split("\\+", -1)) {
      steps =
          switch (name.strip()) {
            case "none" -> steps;
            case "all" -> ALL;
            case "fold_ln" -> steps.or(new WeightProcessing(true, false, false, false));
            case "center_writing_weights" ->
                steps.or(new WeightProcessing(false, true, false, false));
            case "center_unembed" -> steps.or(new WeightProcessing(false, false, true, false));
            case "fold_value_biases" -> steps.or(new WeightProcessing(false, false, false, true));
            default ->
                throw new IllegalArgumentException(
                    "weight processing \"%s\" is not known; expected %s".formatted(name, EXPECTED));
          };
    }
    return steps;
  }

  private WeightProcessing or(WeightProcessing other) {
    return new WeightProcessing(
        foldLn || other.foldLn,
        centerWritingWeights || other.centerWritingWeights,
        centerUnembed || other.centerUnembed,
        foldValueBiases || other.foldValueBiases);
  }

  /** {@code none}, or the steps joined by {@code +}. */
  @Override
  public String toString() {
    return isNone() ? "none" : String.join("+", steps());
  }
}
