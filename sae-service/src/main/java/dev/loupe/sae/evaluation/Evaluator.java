package dev.loupe.sae.evaluation;

import dev.loupe.sae.corpus.CorpusListener;
import dev.loupe.sae.corpus.CorpusPass;
import dev.loupe.sae.corpus.TokenBatch;
import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.Reconstruction;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.List;

/**
 * Measures a dictionary over a corpus. Each batch runs three times: as it is; with the
 * reconstruction in the activation's place, which is when activations are seen and measured; and
 * with zeros in its place.
 */
public final class Evaluator {
  private final SplicedModel model;
  private final String modelId;
  private final String hookPoint;
  private final Dictionary dictionary;
  private final CorpusListener listener;

  /** Measures a dictionary at the hook point that it was trained on. */
  public Evaluator(
      SplicedModel model,
      String modelId,
      String hookPoint,
      Dictionary dictionary,
      CorpusListener listener) {
    this.model = model;
    this.modelId = modelId;
    this.hookPoint = hookPoint;
    this.dictionary = dictionary;
    this.listener = listener;
  }

  /** A sum of losses and how many they are. */
  private static final class LossMean {
    private double sum;
    private long count;

    void add(List<float[]> rows) {
      for (float[] row : rows) {
        for (float loss : row) {
          sum += loss;
        }
        count += row.length;
      }
    }

    double mean() {
      return sum / count;
    }
  }

  /**
   * Runs the pass.
   *
   * @throws LoupeException WRONG_SHAPE when the hook point's width is not the dictionary's d_in,
   *     and what the model and the listener throw
   */
  public EvaluationResult evaluate(CorpusPass pass) {
    ReconstructionStatistics statistics =
        new ReconstructionStatistics(dictionary.dIn(), dictionary.dSae());
    LossMean clean = new LossMean();
    LossMean spliced = new LossMean();
    LossMean zero = new LossMean();
    long rows = 0;
    while (pass.hasNext()) {
      listener.throwIfStopped();
      TokenBatch batch = pass.next();
      // Counted only once the call has succeeded: a call that fails is made again.
      Measured measured = new Measured();
      clean.add(model.losses(modelId, batch));
      spliced.add(model.splicedLosses(modelId, batch, hookPoint, measured::replace));
      zero.add(
          model.splicedLosses(
              modelId, batch, hookPoint, x -> FloatRows.zeros(x.rows(), x.width())));
      statistics.add(measured.activations, measured.reconstruction);
      rows += batch.rows().size();
      listener.progress(rows, pass.totalRows());
    }
    if (statistics.activations() == 0) {
      throw LoupeException.invalidValue(
          "corpus", "rows of one token each", "rows of at least two tokens");
    }
    return new EvaluationResult(
        statistics,
        DensityHistogram.of(statistics.densities()),
        clean.mean(),
        spliced.mean(),
        zero.mean());
  }

  private final class Measured {
    private FloatRows activations;
    private Reconstruction reconstruction;

    FloatRows replace(FloatRows x) {
      if (x.width() != dictionary.dIn()) {
        throw LoupeException.of(
            ErrorReason.WRONG_SHAPE,
            "%s of %s is %d wide; the dictionary reads %d"
                .formatted(hookPoint, modelId, x.width(), dictionary.dIn()));
      }
      activations = x;
      reconstruction = dictionary.reconstruct(x);
      if (!reconstruction.values().isFinite()) {
        throw LoupeException.of(
            ErrorReason.NOT_FINITE,
            "what the dictionary makes of %s of %s overflows: it is infinite or not a number"
                .formatted(hookPoint, modelId));
      }
      return reconstruction.values();
    }
  }
}
