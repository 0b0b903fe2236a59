package dev.loupe.sae.dictionary;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.tensor.TensorEngine;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;

/**
 * Loss and gradients of the TopK architecture. Only the pre-activations are a dense product; all
 * else touches the k active features of each row, about d_sae / k times less work than the dense
 * products of decoding and of the three gradients.
 *
 * <p>loss = 1/B sum |e|^2 + alpha * auxk with e = x^ - x. AuxK (Gao et al. 2024): the dead features
 * with the largest pre-activations, up to d_in / 2 or 2 k of them and only those above 0,
 * reconstruct what is missing, t = -e taken as constant: auxk = sum |t - a W_dec|^2 / sum |t - mean
 * t|^2. Divided by the variance it does not depend on how large activations are or how far training
 * has come.
 */
final class TopKPass implements TrainingPass {
  private final TopKDictionary dictionary;
  private final DictionaryWeights weights;
  private final int dIn;
  private final int dSae;
  private final int auxiliaryK;
  private final EngineMatrix blockMemory;
  private final float[] centred;
  private final float[] outputGradient;
  private final ActiveEntries main;
  private final ActiveEntries auxiliary;
  private final float[] auxiliaryGradient;
  private final float[] encoderGradient;
  private final float[] encoderBiasGradient;
  private final float[] decoderGradient;
  private final float[] decoderBiasGradient;

  TopKPass(TopKDictionary dictionary, int batchRows) {
    this.dictionary = dictionary;
    this.weights = dictionary.weights();
    this.dIn = weights.dIn();
    this.dSae = weights.dSae();
    this.auxiliaryK = Math.max(1, Math.min(dIn / 2, 2 * dictionary.architecture().k()));
    this.blockMemory = new EngineMatrix(Math.min(weights.blockRows(), batchRows), dIn);
    this.centred = new float[batchRows * dIn];
    this.outputGradient = new float[batchRows * dIn];
    this.main = new ActiveEntries(batchRows, dictionary.architecture().k(), dSae);
    this.auxiliary = new ActiveEntries(batchRows, auxiliaryK, dSae);
    this.auxiliaryGradient = new float[batchRows * dIn];
    this.encoderGradient = new float[weights.encoder().length];
    this.encoderBiasGradient = new float[dSae];
    this.decoderGradient = new float[weights.decoder().length];
    this.decoderBiasGradient = new float[dIn];
  }

  @Override
  public List<float[]> gradients() {
    return List.of(encoderGradient, encoderBiasGradient, decoderGradient, decoderBiasGradient);
  }

  @Override
  public void constrainGradients() {
    new UnitDecoder(weights).projectGradient(decoderGradient);
  }

  @Override
  public BatchLoss run(FloatRows batch, float sparsityFactor, int[] dead) {
    int rows = batch.rows();
    boolean revive = dead.length > 0 && dictionary.architecture().auxkCoefficient() > 0;
    centre(batch);
    select(rows, revive ? dead : new int[0]);
    double squaredError = decode(batch);
    double auxk = revive ? auxiliaryLoss(rows) : 0;
    outputGradientToFeatures(rows, main, outputGradient);
    accumulate(rows, revive);
    int[] firings = new int[dSae];
    main.countFirings(rows, firings);
    double mse = squaredError / rows;
    return new BatchLoss(
        mse + dictionary.architecture().auxkCoefficient() * auxk,
        mse,
        0,
        auxk,
        (double) main.total(rows) / rows,
        ExplainedVariance.of(squaredError, VectorMath.squaredDeviation(batch)),
        firings);
  }

  private void centre(FloatRows batch) {
    System.arraycopy(batch.values(), 0, centred, 0, batch.rows() * dIn);
    if (weights.subtractsDecoderBias()) {
      for (int row = 0; row < batch.rows(); row++) {
        VectorMath.addScaled(centred, row * dIn, weights.decoderBias(), 0, -1f, dIn);
      }
    }
  }

  private void select(int rows, int[] dead) {
    int block = weights.blockRows();
    try (NDManager manager = TensorEngine.newManager()) {
      NDArray encoder = weights.encoderArray(manager); // [d_in, d_sae]
      for (int first = 0; first < rows; first += block) {
        int size = Math.min(block, rows - first);
        int start = first;
        blockMemory.set(centred, first * dIn, size * dIn);
        try (NDArray part = blockMemory.array(manager, size);
            NDArray products = part.matMul(encoder)) { // [size, d_sae]
          FloatBuffer view = DictionaryWeights.view(products);
          RowChunks.run(size, (chunk, begin, end) -> selectRows(view, start, begin, end, dead));
        }
      }
    }
  }

  private void selectRows(FloatBuffer products, int blockStart, int begin, int end, int[] dead) {
    float[] preActivations = new float[dSae];
    FeatureSelection largest = dictionary.selection();
    FeatureSelection deadOnes = LargestSelection.among(dead, auxiliaryK);
    int[] indices = new int[Math.max(largest.capacity(), auxiliaryK)];
    float[] values = new float[indices.length];
    for (int row = begin; row < end; row++) {
      weights.preActivations(products, row, preActivations);
      main.select(blockStart + row, preActivations, largest, indices, values);
      if (dead.length > 0) {
        auxiliary.select(blockStart + row, preActivations, deadOnes, indices, values);
      }
    }
  }

  /** Leaves x^ - x in the output gradient, and gives its squared sum. */
  private double decode(FloatRows batch) {
    double[] squared = new double[batch.rows()];
    RowChunks.run(
        batch.rows(),
        (chunk, begin, end) -> {
          for (int row = begin; row < end; row++) {
            int start = row * dIn;
            for (int i = 0; i < dIn; i++) {
              outputGradient[start + i] = weights.decoderBias()[i] - batch.values()[start + i];
            }
            main.addDecoded(row, weights.decoder(), dIn, outputGradient);
            squared[row] = VectorMath.dot(outputGradient, start, outputGradient, start, dIn);
          }
        });
    return Arrays.stream(squared).sum();
  }

  private double auxiliaryLoss(int rows) {
    double deviation = VectorMath.squaredDeviation(new FloatRows(outputGradient, rows, dIn));
    if (deviation == 0) {
      Arrays.fill(auxiliaryGradient, 0f);
      auxiliary.clear(rows);
      return 0;
    }
    float factor = (float) (2 * dictionary.architecture().auxkCoefficient() / deviation);
    double[] squared = new double[rows];
    RowChunks.run(
        rows,
        (chunk, begin, end) -> {
          for (int row = begin; row < end; row++) {
            int start = row * dIn;
            // a W_dec - t, and t = -(x^ - x).
            System.arraycopy(outputGradient, start, auxiliaryGradient, start, dIn);
            auxiliary.addDecoded(row, weights.decoder(), dIn, auxiliaryGradient);
            squared[row] = VectorMath.dot(auxiliaryGradient, start, auxiliaryGradient, start, dIn);
            for (int i = start; i < start + dIn; i++) {
              auxiliaryGradient[i] *= factor;
            }
          }
        });
    auxiliary.gradients(rows, weights.decoder(), dIn, auxiliaryGradient);
    return Arrays.stream(squared).sum() / deviation;
  }

  private void outputGradientToFeatures(int rows, ActiveEntries entries, float[] gradient) {
    float factor = 2f / rows;
    RowChunks.run(
        rows * dIn,
        (chunk, begin, end) -> {
          for (int i = begin; i < end; i++) {
            gradient[i] *= factor;
          }
        });
    entries.gradients(rows, weights.decoder(), dIn, gradient);
  }

  /** Sums over the rows: each feature by itself, so threads never meet and the order is fixed. */
  private void accumulate(int rows, boolean revive) {
    main.sortByFeature(rows);
    if (revive) {
      auxiliary.sortByFeature(rows);
    }
    RowChunks.run(
        dSae,
        (chunk, begin, end) -> {
          float[] toEncoder = new float[dIn];
          float[] toDecoder = new float[dIn];
          for (int feature = begin; feature < end; feature++) {
            Arrays.fill(toEncoder, 0f);
            Arrays.fill(toDecoder, 0f);
            float bias =
                main.addGradients(feature, dIn, centred, outputGradient, toEncoder, toDecoder);
            if (revive) {
              bias +=
                  auxiliary.addGradients(
                      feature, dIn, centred, auxiliaryGradient, toEncoder, toDecoder);
            }
            encoderBiasGradient[feature] = bias;
            System.arraycopy(toEncoder, 0, encoderGradient, feature * dIn, dIn);
            System.arraycopy(toDecoder, 0, decoderGradient, feature * dIn, dIn);
          }
        });
    Arrays.fill(decoderBiasGradient, 0f);
    for (int row = 0; row < rows; row++) {
      VectorMath.addScaled(decoderBiasGradient, 0, outputGradient, row * dIn, 1f, dIn);
    }
    if (weights.subtractsDecoderBias()) {
      for (int feature = 0; feature < dSae; feature++) {
        float bias = encoderBiasGradient[feature];
        if (bias != 0) {
          VectorMath.addScaled(
              decoderBiasGradient, 0, weights.encoder(), feature * dIn, -bias, dIn);
        }
      }
    }
  }
}
