package dev.loupe.sae.dictionary;

/** ReLU features, kept sparse by an L1 penalty that is weighted by decoder norms. */
public final class StandardDictionary implements Dictionary {
  private final Architecture.Standard architecture;
  private final DictionaryWeights weights;

  /** A dictionary over these weights. */
  public StandardDictionary(Architecture.Standard architecture, DictionaryWeights weights) {
    this.architecture = architecture;
    this.weights = weights;
  }

  @Override
  public Architecture.Standard architecture() {
    return architecture;
  }

  @Override
  public DictionaryWeights weights() {
    return weights;
  }

  @Override
  public SparseFeatures encode(FloatRows activations) {
    return weights.encode(activations, () -> FeatureSelection.relu(dSae()));
  }

  @Override
  public Reconstruction reconstruct(FloatRows activations) {
    return weights.reconstruct(activations, () -> FeatureSelection.relu(dSae()));
  }

  @Override
  public FloatRows decode(SparseFeatures features) {
    return weights.decode(features);
  }

  @Override
  public void settle() {
    weights.settle();
  }

  @Override
  public TrainingPass trainingPass(int batchRows) {
    return new StandardPass(this, batchRows);
  }

  @Override
  public StandardDictionary finished() {
    return new StandardDictionary(architecture, weights.withUnitDecoder());
  }
}
