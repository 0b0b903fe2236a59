/**
 * Sparse dictionaries: how each architecture encodes, decodes, and what its loss and gradients are.
 *
 * <p>Shapes are written {@code [rows, d_in]}. Arrays are row-major. Dense products run on the
 * engine; what touches only a row's active features runs on plain arrays.
 */
package dev.loupe.sae.dictionary;
