package dev.loupe.sae.training;

import dev.loupe.sae.dictionary.Architecture;

/**
 * What to train, and on what.
 *
 * @param dictionary id that the result gets
 * @param model id of the model to read
 * @param hookPoint to read and reconstruct
 * @param corpus id of the corpus to run
 * @param dIn width of the activations
 * @param dSae number of features
 * @param seed for initial weights, the order of the corpus and shuffling
 */
public record TrainingSpec(
    String dictionary,
    String model,
    String hookPoint,
    String corpus,
    int dIn,
    int dSae,
    Architecture architecture,
    Schedule schedule,
    long seed) {

  /**
   * Says everything that a checkpoint depends on; equal for requests that may share one. They may
   * differ in how long they train, and in how often they save.
   */
  String fingerprint(String corpusSha256) {
    TrainingSpec comparable =
        new TrainingSpec(
            dictionary,
            model,
            hookPoint,
            corpus,
            dIn,
            dSae,
            architecture,
            schedule.withoutLength(),
            seed);
    return comparable + " corpus sha256 " + corpusSha256;
  }
}
