package dev.loupe.sae.dictionary;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.TensorEngine;
import java.util.List;

/**
 * Loss and gradients of the standard architecture, all in dense products because an L1 dictionary
 * starts with half of its features active.
 *
 * <p>With B rows, e = x^ - x and w_i the norm of decoder row i: loss = 1/B sum |e|^2 + lambda/B sum
 * f_i w_i. Then d loss/d x^ = 2/B e; d/df = (d/dx^) W_dec^T + lambda/B w, passed on where f > 0;
 * and W_dec gets lambda/B sum_b(f_i) W_dec_i / w_i besides f^T d/dx^.
 */
final class StandardPass implements TrainingPass {
  private final StandardDictionary dictionary;
  private final DictionaryWeights weights;
  private final EngineMatrix batchMemory;
  private final EngineMatrix decoderMemory;
  private final float[] centred;
  private final float[] encoderGradient;
  private final float[] encoderBiasGradient;
  private final float[] decoderGradient;
  private final float[] decoderBiasGradient;

  StandardPass(StandardDictionary dictionary, int batchRows) {
    this.dictionary = dictionary;
    this.weights = dictionary.weights();
    this.batchMemory = new EngineMatrix(batchRows, weights.dIn());
    this.decoderMemory = new EngineMatrix(weights.dSae(), weights.dIn());
    this.centred = new float[batchRows * weights.dIn()];
    this.encoderGradient = new float[weights.encoder().length];
    this.encoderBiasGradient = new float[weights.dSae()];
    this.decoderGradient = new float[weights.decoder().length];
    this.decoderBiasGradient = new float[weights.dIn()];
  }

  @Override
  public List<float[]> gradients() {
    return List.of(encoderGradient, encoderBiasGradient, decoderGradient, decoderBiasGradient);
  }

  @Override
  public void constrainGradients() {
    // The penalty weighs features by their decoder norms, so the norms are free.
  }

  @Override
  public BatchLoss run(FloatRows batch, float sparsityFactor, int[] dead) {
    int dIn = weights.dIn();
    int dSae = weights.dSae();
    int rows = batch.rows();
    float lambda = dictionary.architecture().l1Coefficient() * sparsityFactor;
    float[] norms = decoderNorms();
    System.arraycopy(batch.values(), 0, centred, 0, rows * dIn);
    if (weights.subtractsDecoderBias()) {
      for (int row = 0; row < rows; row++) {
        VectorMath.addScaled(centred, row * dIn, weights.decoderBias(), 0, -1f, dIn);
      }
    }
    batchMemory.set(centred, 0, rows * dIn);
    decoderMemory.set(weights.decoder(), 0, weights.decoder().length);
    double squaredError;
    float[] featureSums;
    int[] firings = new int[dSae];
    try (NDManager manager = TensorEngine.newManager()) {
      NDArray x = batchMemory.array(manager, rows); // [rows, d_in], minus b_dec if subtracted
      NDArray encoder = weights.encoderArray(manager); // [d_in, d_sae]
      NDArray decoder = decoderMemory.array(manager); // [d_sae, d_in]
      NDArray penalty = NdArrays.of(manager, scaled(norms, lambda / rows)); // [d_sae]
      NDArray f =
          Activation.relu(x.matMul(encoder).addi(NdArrays.of(manager, weights.encoderBias())));
      NDArray error = f.matMul(decoder).subi(x); // x^ - x but for the biases, [rows, d_in]
      if (!weights.subtractsDecoderBias()) {
        error.addi(NdArrays.of(manager, weights.decoderBias()));
      }
      squaredError =
          error.square().sum(new int[] {1}).toType(DataType.FLOAT64, false).sum().getDouble();
      NDArray gradient = error.muli(2f / rows); // d loss / d x^
      NDArray active = f.gt(0).toType(DataType.FLOAT32, false);
      copy(f.transpose().matMul(gradient), decoderGradient);
      NDArray toFeatures = gradient.matMul(decoder.transpose()).addi(penalty).muli(active);
      copy(toFeatures.transpose().matMul(x), encoderGradient);
      copy(toFeatures.sum(new int[] {0}), encoderBiasGradient);
      copy(gradient.sum(new int[] {0}), decoderBiasGradient);
      featureSums = f.sum(new int[] {0}).toFloatArray();
      float[] counts = active.sum(new int[] {0}).reshape(new Shape(dSae)).toFloatArray();
      for (int i = 0; i < dSae; i++) {
        firings[i] = (int) counts[i];
      }
    }
    double sparsity = penaltyGradient(norms, featureSums, lambda / rows) / rows;
    if (weights.subtractsDecoderBias()) {
      for (int i = 0; i < dSae; i++) {
        VectorMath.addScaled(
            decoderBiasGradient, 0, weights.encoder(), i * dIn, -encoderBiasGradient[i], dIn);
      }
    }
    double active = 0;
    for (int count : firings) {
      active += count;
    }
    double mse = squaredError / rows;
    return new BatchLoss(
        mse + lambda * sparsity,
        mse,
        sparsity,
        0,
        active / rows,
        ExplainedVariance.of(squaredError, VectorMath.squaredDeviation(batch)),
        firings);
  }

  private float[] decoderNorms() {
    float[] norms = new float[weights.dSae()];
    for (int i = 0; i < norms.length; i++) {
      norms[i] = VectorMath.norm(weights.decoder(), i * weights.dIn(), weights.dIn());
    }
    return norms;
  }

  private double penaltyGradient(float[] norms, float[] featureSums, float weight) {
    double penalty = 0;
    for (int i = 0; i < norms.length; i++) {
      penalty += (double) featureSums[i] * norms[i];
      if (norms[i] > 0) {
        VectorMath.addScaled(
            decoderGradient,
            i * weights.dIn(),
            weights.decoder(),
            i * weights.dIn(),
            weight * featureSums[i] / norms[i],
            weights.dIn());
      }
    }
    return penalty;
  }

  private static float[] scaled(float[] values, float factor) {
    float[] out = new float[values.length];
    VectorMath.addScaled(out, 0, values, 0, factor, values.length);
    return out;
  }

  private static void copy(NDArray from, float[] to) {
    DictionaryWeights.view(from).get(0, to, 0, to.length);
  }
}
