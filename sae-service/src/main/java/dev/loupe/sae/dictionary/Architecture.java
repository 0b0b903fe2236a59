package dev.loupe.sae.dictionary;

/** How features are made from an activation, with the constants of the loss. */
public sealed interface Architecture {

  /** The name that SAELens writes into cfg.json. */
  String saeLensName();

  /** The weight of what is added to the squared error. */
  float coefficient();

  /** The same with another weight. */
  Architecture withCoefficient(float coefficient);

  /** Length that decoder directions start training with. */
  float initialDecoderNorm();

  /** A dictionary of this architecture. */
  Dictionary over(DictionaryWeights weights);

  /**
   * ReLU features under an L1 penalty that is weighted by decoder norms (Bricken et al. 2023).
   *
   * @param l1Coefficient weight of the penalty, 0 or more
   */
  record Standard(float l1Coefficient) implements Architecture {
    @Override
    public String saeLensName() {
      return "standard";
    }

    @Override
    public float coefficient() {
      return l1Coefficient;
    }

    @Override
    public float initialDecoderNorm() {
      return 0.1f;
    }

    @Override
    public Standard withCoefficient(float coefficient) {
      return new Standard(coefficient);
    }

    @Override
    public StandardDictionary over(DictionaryWeights weights) {
      return new StandardDictionary(this, weights);
    }
  }

  /**
   * The k largest pre-activations, then ReLU; dead features are revived by AuxK (Gao et al. 2024).
   *
   * @param k features kept for each activation, 1 to d_sae
   * @param auxkCoefficient weight of the auxiliary loss, 0 or more
   */
  record TopK(int k, float auxkCoefficient) implements Architecture {
    @Override
    public String saeLensName() {
      return "topk";
    }

    @Override
    public float coefficient() {
      return auxkCoefficient;
    }

    @Override
    public float initialDecoderNorm() {
      return 1f;
    }

    @Override
    public TopK withCoefficient(float coefficient) {
      return new TopK(k, coefficient);
    }

    @Override
    public TopKDictionary over(DictionaryWeights weights) {
      return new TopKDictionary(this, weights);
    }
  }
}
