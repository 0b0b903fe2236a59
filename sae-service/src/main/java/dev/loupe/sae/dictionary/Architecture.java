package dev.loupe.sae.dictionary;

/** How features are made from an activation, with the constants of the loss. */
public sealed interface Architecture {

  /** The name that SAELens writes into cfg.json. */
  String saeLensName();

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
  }
}
