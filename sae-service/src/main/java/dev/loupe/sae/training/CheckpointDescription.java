package dev.loupe.sae.training;

import java.time.Instant;

/**
 * What is known of a checkpoint without its state.
 *
 * @param dictionary id that the result of its run gets
 * @param model id of the model that the run reads
 * @param hookPoint that the run reads
 * @param corpus id of the corpus that it runs
 * @param dSae number of features
 * @param step steps done
 * @param totalSteps steps that were asked for
 * @param bytes on the disk
 * @param written when
 */
public record CheckpointDescription(
    String dictionary,
    String model,
    String hookPoint,
    String corpus,
    int dSae,
    long step,
    long totalSteps,
    long bytes,
    Instant written) {}
