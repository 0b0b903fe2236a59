package dev.loupe.sae.dictionary;

/**
 * What one batch cost; all but the last two are means over its rows.
 *
 * @param loss everything that is minimised
 * @param mse squared error, summed over d_in
 * @param sparsity the sparsity penalty before its coefficient; 0 where there is none
 * @param auxiliary the auxiliary loss before its coefficient; 0 where there is none
 * @param l0 active features
 * @param explainedVariance 1 - sum of squared error / sum of squared deviation from the batch mean
 * @param firings rows in which each feature was active, {@code [d_sae]}
 */
public record BatchLoss(
    double loss,
    double mse,
    double sparsity,
    double auxiliary,
    double l0,
    double explainedVariance,
    int[] firings) {

  @Override
  public boolean equals(Object other) {
    return other instanceof BatchLoss that && loss == that.loss && firings == that.firings;
  }

  @Override
  public int hashCode() {
    return Double.hashCode(loss);
  }

  @Override
  public String toString() {
    return "BatchLoss[loss=" + loss + ", mse=" + mse + ", l0=" + l0 + "]";
  }
}
