/**
 * Collects what the feature store shows of each feature: statistics, examples, logits, neighbours.
 */
package dev.loupe.sae.publishing;
