package dev.loupe.sae.evaluation;

/**
 * What a dictionary costs and keeps, over all positions but 0.
 *
 * @param statistics of the reconstruction
 * @param density counts of features by how often they fire
 * @param ceClean the model's mean loss, in nats per token
 * @param ceSpliced the same with the reconstruction in the activation's place
 * @param ceZeroAblated the same with zeros in its place
 */
public record EvaluationResult(
    ReconstructionStatistics statistics,
    DensityHistogram density,
    double ceClean,
    double ceSpliced,
    double ceZeroAblated) {

  /**
   * {@code (zero - spliced) / (zero - clean)}: 1 is lossless. Where zeros cost nothing there is
   * nothing to recover: 1 where the reconstruction costs nothing either, else 0.
   */
  public double ceRecovered() {
    if (ceZeroAblated == ceClean) {
      return ceSpliced == ceClean ? 1 : 0;
    }
    return (ceZeroAblated - ceSpliced) / (ceZeroAblated - ceClean);
  }
}
