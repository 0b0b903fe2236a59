/**
 * How metrics depend on activations: gradients at hook points, attribution patching, and linear
 * attribution. The backward pass is written by hand, segment by segment between hook points, so it
 * needs no gradient collector and keeps no more of the forward pass than it reads.
 */
package dev.loupe.inference.gradients;
