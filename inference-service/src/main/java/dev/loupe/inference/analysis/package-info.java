/**
 * What can be computed from activations: the logit lens, direct logit attribution, head scores,
 * losses, and projections onto the vocabulary.
 */
package dev.loupe.inference.analysis;
