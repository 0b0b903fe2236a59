/** Trains a small GPT-2 from nothing, over the same forward pass that inference uses. */
package dev.loupe.inference.pretraining;
