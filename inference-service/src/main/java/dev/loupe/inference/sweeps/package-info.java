/** Activation patching over a whole grid of layers, positions and heads at once. */
package dev.loupe.inference.sweeps;
