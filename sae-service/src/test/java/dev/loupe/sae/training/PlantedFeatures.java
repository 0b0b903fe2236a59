package dev.loupe.sae.training;

import dev.loupe.sae.corpus.ActivationFeed;
import dev.loupe.sae.corpus.ActivationSource;
import dev.loupe.sae.corpus.BatchActivations;
import dev.loupe.sae.corpus.SplitMix;
import dev.loupe.sae.corpus.TokenBatch;
import dev.loupe.sae.dictionary.FloatRows;
import java.util.Iterator;
import java.util.Optional;

/**
 * Activations that are known to be sparse: each token adds one direction of its own and one that it
 * shares with a quarter of the tokens, on top of a mean that all share.
 */
final class PlantedFeatures implements ActivationSource {
  static final int WIDTH = 24;
  private static final int SHARED = 4;
  private static final int TOKENS = 211;

  private final float[][] own = directions(TOKENS, 1);
  private final float[][] shared = directions(SHARED, 2);

  private static float[][] directions(int count, long seed) {
    SplitMix random = new SplitMix(seed);
    float[][] directions = new float[count][WIDTH];
    for (float[] direction : directions) {
      for (int i = 0; i < WIDTH; i++) {
        direction[i] = (float) random.nextGaussian();
      }
    }
    return directions;
  }

  @Override
  public ActivationFeed open(
      String model, String hookPoint, Iterator<TokenBatch> batches, Runnable stop) {
    return new ActivationFeed() {
      @Override
      public Optional<BatchActivations> next() {
        stop.run();
        if (!batches.hasNext()) {
          return Optional.empty();
        }
        TokenBatch batch = batches.next();
        return Optional.of(new BatchActivations(batch, activations(batch)));
      }

      @Override
      public void close() {
        // Nothing is held.
      }
    };
  }

  private FloatRows activations(TokenBatch batch) {
    FloatRows rows = FloatRows.zeros(batch.activations(), WIDTH);
    int at = 0;
    for (int[] row : batch.rows()) {
      for (int position = 1; position < row.length; position++) {
        int token = row[position];
        for (int i = 0; i < WIDTH; i++) {
          rows.values()[at++] = 10 + 3 * own[token % 40][i] + 5 * shared[token % SHARED][i];
        }
      }
    }
    return rows;
  }
}
