/**
 * Metrics: numbers that a prediction is judged by, their values row by row, and their gradients.
 */
package dev.loupe.inference.metrics;
