/**
 * Training: optimiser, schedule, shuffle buffer, dead features, checkpoints and progress. Knows
 * nothing of an architecture's inside.
 */
package dev.loupe.sae.training;
