package dev.loupe.sae.dictionary;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.tensor.TensorEngine;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.function.Supplier;

/**
 * The weights of a dictionary with one linear encoder and one linear decoder, and what follows from
 * them alone: pre-activations {@code (x - b_dec) W_enc + b_enc} and decoding {@code f W_dec +
 * b_dec}. Both matrices are kept feature-major, {@code [d_sae, d_in]}: a feature's encoder column
 * and decoder row are contiguous.
 */
public final class DictionaryWeights {
  private static final int BLOCK_ELEMENTS = 1 << 20;

  private final int dIn;
  private final int dSae;
  private final float[] encoder;
  private final float[] encoderBias;
  private final float[] decoder;
  private final float[] decoderBias;
  private final boolean subtractsDecoderBias;
  private final InputNormalization normalization;
  private final EngineMatrix engineEncoder;

  /**
   * Takes over the arrays.
   *
   * @param encoder W_enc transposed, {@code [d_sae, d_in]}
   * @param encoderBias b_enc, {@code [d_sae]}
   * @param decoder W_dec, {@code [d_sae, d_in]}
   * @param decoderBias b_dec, {@code [d_in]}
   * @param subtractsDecoderBias whether the encoder reads {@code x - b_dec} or x
   */
  public DictionaryWeights(
      float[] encoder,
      float[] encoderBias,
      float[] decoder,
      float[] decoderBias,
      boolean subtractsDecoderBias,
      InputNormalization normalization) {
    this.dIn = decoderBias.length;
    this.dSae = encoderBias.length;
    if (encoder.length != (long) dIn * dSae || decoder.length != encoder.length) {
      throw new IllegalArgumentException(
          "encoder has %d and decoder %d elements; d_sae %d and d_in %d need %d each"
              .formatted(encoder.length, decoder.length, dSae, dIn, (long) dSae * dIn));
    }
    this.encoder = encoder;
    this.encoderBias = encoderBias;
    this.decoder = decoder;
    this.decoderBias = decoderBias;
    this.subtractsDecoderBias = subtractsDecoderBias;
    this.normalization = normalization;
    this.engineEncoder = new EngineMatrix(dSae, dIn);
    settle();
  }

  /** Lets products see the encoder as it is now. */
  void settle() {
    engineEncoder.set(encoder, 0, encoder.length);
  }

  public int dIn() {
    return dIn;
  }

  public int dSae() {
    return dSae;
  }

  /** W_enc transposed, {@code [d_sae, d_in]}. */
  public float[] encoder() {
    return encoder;
  }

  /** b_enc, {@code [d_sae]}. */
  public float[] encoderBias() {
    return encoderBias;
  }

  /** W_dec, {@code [d_sae, d_in]}. */
  public float[] decoder() {
    return decoder;
  }

  /** b_dec, {@code [d_in]}. */
  public float[] decoderBias() {
    return decoderBias;
  }

  /** Whether the encoder reads {@code x - b_dec} or x. */
  public boolean subtractsDecoderBias() {
    return subtractsDecoderBias;
  }

  /** What happens to each activation first. */
  public InputNormalization normalization() {
    return normalization;
  }

  List<Parameter> parameters() {
    return List.of(
        new Parameter("W_enc", encoder),
        new Parameter("b_enc", encoderBias),
        new Parameter("W_dec", decoder),
        new Parameter("b_dec", decoderBias));
  }

  /** Rows whose pre-activations stay within the cache, and within an array whatever d_sae is. */
  int blockRows() {
    return Math.max(1, Math.min(4096, BLOCK_ELEMENTS / dSae));
  }

  /** The encoder's transpose as an array over shared memory, {@code [d_in, d_sae]}. */
  NDArray encoderArray(NDManager manager) {
    return engineEncoder.array(manager).transpose();
  }

  /** The numbers of an array on the CPU, not copied; valid while it is open. */
  static FloatBuffer view(NDArray array) {
    return array.toByteBuffer(true).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  /**
   * The same function with unit decoder directions: each feature is multiplied by its direction's
   * length, and the direction divided by it. A feature whose direction is zero stays.
   */
  public DictionaryWeights withUnitDecoder() {
    float[] scaledEncoder = this.encoder.clone();
    float[] scaledBias = this.encoderBias.clone();
    float[] unitDecoder = this.decoder.clone();
    for (int feature = 0; feature < dSae; feature++) {
      int start = feature * dIn;
      float norm = VectorMath.norm(unitDecoder, start, dIn);
      if (norm > 0) {
        for (int i = start; i < start + dIn; i++) {
          scaledEncoder[i] *= norm;
          unitDecoder[i] /= norm;
        }
        scaledBias[feature] *= norm;
      }
    }
    return new DictionaryWeights(
        scaledEncoder,
        scaledBias,
        unitDecoder,
        decoderBias.clone(),
        subtractsDecoderBias,
        normalization);
  }

  SparseFeatures encode(FloatRows activations, Supplier<FeatureSelection> selection) {
    return encode(activations, selection, statistics(activations.rows()));
  }

  Reconstruction reconstruct(FloatRows activations, Supplier<FeatureSelection> selection) {
    InputNormalization.RowStatistics statistics = statistics(activations.rows());
    SparseFeatures features = encode(activations, selection, statistics);
    FloatRows values = decodeNormalized(features);
    for (int row = 0; row < values.rows(); row++) {
      normalization.restore(values.values(), values.start(row), dIn, statistics, row);
    }
    return new Reconstruction(features, values);
  }

  FloatRows decode(SparseFeatures features) {
    if (normalization != InputNormalization.NONE) {
      throw new NeedsInputException(normalization);
    }
    return decodeNormalized(features);
  }

  private static InputNormalization.RowStatistics statistics(int rows) {
    return new InputNormalization.RowStatistics(new float[rows], new float[rows]);
  }

  private SparseFeatures encode(
      FloatRows activations,
      Supplier<FeatureSelection> selection,
      InputNormalization.RowStatistics statistics) {
    if (activations.width() != dIn) {
      throw new IllegalArgumentException(
          "activations are %d wide; d_in is %d".formatted(activations.width(), dIn));
    }
    SparseRowsBuilder built = new SparseRowsBuilder(activations.rows());
    int block = Math.min(blockRows(), Math.max(1, activations.rows()));
    EngineMatrix input = new EngineMatrix(block, dIn);
    float[] centred = new float[block * dIn];
    try (NDManager manager = TensorEngine.newManager()) {
      NDArray encoderArray = encoderArray(manager);
      for (int first = 0; first < activations.rows(); first += block) {
        int rows = Math.min(block, activations.rows() - first);
        centre(activations, first, rows, centred, statistics);
        input.set(centred, 0, rows * dIn);
        try (NDArray batch = input.array(manager, rows);
            NDArray products = batch.matMul(encoderArray)) {
          select(view(products), rows, selection, built);
        }
      }
    }
    return built.build();
  }

  private void centre(
      FloatRows activations,
      int first,
      int rows,
      float[] centred,
      InputNormalization.RowStatistics statistics) {
    InputNormalization.RowStatistics block = statistics(rows);
    for (int row = 0; row < rows; row++) {
      normalization.normalize(
          activations.values(), activations.start(first + row), dIn, centred, block, row);
      statistics.scale()[first + row] = block.scale()[row];
      statistics.shift()[first + row] = block.shift()[row];
      if (subtractsDecoderBias) {
        VectorMath.addScaled(centred, row * dIn, decoderBias, 0, -1f, dIn);
      }
    }
  }

  private void select(
      FloatBuffer products,
      int rows,
      Supplier<FeatureSelection> selection,
      SparseRowsBuilder built) {
    SparseRowsBuilder[] parts = new SparseRowsBuilder[RowChunks.count()];
    RowChunks.run(
        rows,
        (chunk, begin, end) -> {
          SparseRowsBuilder part = new SparseRowsBuilder(end - begin);
          FeatureSelection chosen = selection.get();
          float[] preActivations = new float[dSae];
          int[] indices = new int[chosen.capacity()];
          float[] values = new float[chosen.capacity()];
          for (int row = begin; row < end; row++) {
            preActivations(products, row, preActivations);
            part.add(indices, values, chosen.select(preActivations, indices, values));
          }
          parts[chunk] = part;
        });
    for (SparseRowsBuilder part : parts) {
      if (part != null) {
        built.addAll(part);
      }
    }
  }

  /** Adds b_enc to one row of products. */
  void preActivations(FloatBuffer products, int row, float[] to) {
    products.get(row * dSae, to, 0, dSae);
    for (int i = 0; i < dSae; i++) {
      to[i] += encoderBias[i];
    }
  }

  private FloatRows decodeNormalized(SparseFeatures features) {
    FloatRows out = FloatRows.zeros(features.rows(), dIn);
    RowChunks.run(
        features.rows(),
        (chunk, begin, end) -> {
          for (int row = begin; row < end; row++) {
            int start = out.start(row);
            System.arraycopy(decoderBias, 0, out.values(), start, dIn);
            for (int at = features.offsets()[row]; at < features.offsets()[row + 1]; at++) {
              VectorMath.addScaled(
                  out.values(),
                  start,
                  decoder,
                  features.indices()[at] * dIn,
                  features.values()[at],
                  dIn);
            }
          }
        });
    return out;
  }
}
