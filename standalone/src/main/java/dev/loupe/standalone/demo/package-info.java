/**
 * The story that {@code loupe demo} tells: one class for each step, what it found as records, and
 * the arithmetic that says how well a neuron or a feature stands for a concept.
 */
package dev.loupe.standalone.demo;
