/**
 * Weight processing: changes of the weights that leave the model's predictions as they are and make
 * its parts easier to read.
 */
package dev.loupe.inference.processing;
