/** Measures dictionaries: reconstruction, sparsity, and what the model loses by them. */
package dev.loupe.sae.evaluation;
