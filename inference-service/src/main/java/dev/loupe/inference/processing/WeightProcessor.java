package dev.loupe.inference.processing;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import dev.loupe.inference.model.BlockWeights;
import dev.loupe.inference.model.LayerNormWeights;
import dev.loupe.inference.model.LinearWeights;
import dev.loupe.inference.model.ModelWeights;
import dev.loupe.inference.model.WeightTransform;

/**
 * Carries out {@link WeightProcessing}, in place and in float32, with the definitions of
 * TransformerLens. A layer norm whose weight and bias were folded keeps ones and zeros in their
 * place, so that a pass is computed as ever and every hook point stays where it is.
 */
public final class WeightProcessor implements WeightTransform {
  private static final int[] INPUTS = {1};
  private static final int[] ROWS = {0};

  private final WeightProcessing steps;

  /** A processor that takes these steps. */
  public WeightProcessor(WeightProcessing steps) {
    this.steps = steps;
  }

  @Override
  public void block(BlockWeights block) {
    if (steps.foldLn()) {
      fold(block.ln1(), block.qkv());
      fold(block.ln2(), block.mlpIn());
    }
    if (steps.centerWritingWeights()) {
      centerOutput(block.attentionOut());
      centerOutput(block.mlpOut());
    }
    if (steps.foldValueBiases()) {
      foldValueBias(block);
    }
  }

  @Override
  public void ends(ModelWeights weights) {
    if (steps.foldLn()) {
      NDArray unembedding = weights.unembedding();
      fold(weights.lnFinal(), new LinearWeights(unembedding, weights.unembeddingBias()));
    }
    if (steps.centerWritingWeights()) {
      center(weights.tokenEmbedding(), INPUTS);
      center(weights.positionEmbedding(), INPUTS);
    }
    if (steps.centerUnembed()) {
      center(weights.unembedding(), ROWS);
      center(weights.unembeddingBias(), ROWS);
    }
  }

  /**
   * With x normalised, (x * w + b) W = x (w * W) + b W; and since x has mean zero, W may lose its
   * mean over the inputs. W is [out, in].
   */
  private static void fold(LayerNormWeights norm, LinearWeights reader) {
    try (NDArray moved = reader.weight().matMul(norm.bias())) {
      reader.bias().addi(moved);
    }
    reader.weight().muli(norm.weight());
    center(reader.weight(), INPUTS);
    clear(norm.bias());
    clear(norm.weight());
    norm.weight().addi(1);
  }

  /** The layer norms that read the stream take its mean away, so what writes need not write one. */
  private static void centerOutput(LinearWeights writer) {
    center(writer.weight(), ROWS);
    center(writer.bias(), ROWS);
  }

  /** A pattern's row sums to one, so a value bias reaches the output whatever the pattern is. */
  private static void foldValueBias(BlockWeights block) {
    try (NDList parts = block.qkv().bias().split(3)) {
      NDArray values = parts.get(2); // a view
      try (NDArray moved = block.attentionOut().weight().matMul(values)) {
        block.attentionOut().bias().addi(moved);
      }
      clear(values);
    }
  }

  private static void clear(NDArray values) {
    values.subi(values);
  }

  private static void center(NDArray values, int[] axes) {
    try (NDArray mean = values.mean(axes, true)) {
      values.subi(mean);
    }
  }
}
