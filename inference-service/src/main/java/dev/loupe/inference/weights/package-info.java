/**
 * What a model's weights say by themselves, without any text: how heads compose, copy and point.
 */
package dev.loupe.inference.weights;
