package dev.loupe.sae.dictionary;

/**
 * The k largest pre-activations of each row, then ReLU. While it is trained its decoder directions
 * keep length 1, so that a feature cannot win its place by a large pre-activation that a short
 * direction undoes.
 */
public final class TopKDictionary implements Dictionary {
  private final Architecture.TopK architecture;
  private final DictionaryWeights weights;

  /**
   * A dictionary over these weights.
   *
   * @throws IllegalArgumentException when k is not in 1 to d_sae
   */
  public TopKDictionary(Architecture.TopK architecture, DictionaryWeights weights) {
    if (architecture.k() < 1 || architecture.k() > weights.dSae()) {
      throw new IllegalArgumentException(
          "k is %d; expected 1 to d_sae, which is %d".formatted(architecture.k(), weights.dSae()));
    }
    this.architecture = architecture;
    this.weights = weights;
  }

  @Override
  public Architecture.TopK architecture() {
    return architecture;
  }

  @Override
  public DictionaryWeights weights() {
    return weights;
  }

  @Override
  public SparseFeatures encode(FloatRows activations) {
    return weights.encode(activations, this::selection);
  }

  @Override
  public Reconstruction reconstruct(FloatRows activations) {
    return weights.reconstruct(activations, this::selection);
  }

  @Override
  public FloatRows decode(SparseFeatures features) {
    return weights.decode(features);
  }

  @Override
  public void settle() {
    new UnitDecoder(weights).normalize();
    weights.settle();
  }

  @Override
  public TrainingPass trainingPass(int batchRows) {
    return new TopKPass(this, batchRows);
  }

  @Override
  public TopKDictionary finished() {
    return this;
  }

  FeatureSelection selection() {
    return LargestSelection.of(dSae(), architecture.k());
  }
}
