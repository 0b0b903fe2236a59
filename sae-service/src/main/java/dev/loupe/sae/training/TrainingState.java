package dev.loupe.sae.training;

import dev.loupe.sae.corpus.SplitMix;
import dev.loupe.sae.dictionary.Dictionary;

/** Everything that the rest of a run depends on: what a checkpoint holds. */
final class TrainingState {
  final Dictionary dictionary;
  final float scale;
  final AdamOptimizer optimizer;
  final ShuffleBuffer buffer;
  final FeatureActivity activity;
  final SplitMix random;

  /** Steps done. */
  long step;

  /** Place in the corpus's order of the batch that is being taken. */
  long place;

  /** Activations of that batch that are in the buffer already. */
  int taken;

  TrainingState(
      Dictionary dictionary,
      float scale,
      ShuffleBuffer buffer,
      FeatureActivity activity,
      SplitMix random) {
    this.dictionary = dictionary;
    this.scale = scale;
    this.optimizer = new AdamOptimizer(dictionary.parameters());
    this.buffer = buffer;
    this.activity = activity;
    this.random = random;
  }
}
