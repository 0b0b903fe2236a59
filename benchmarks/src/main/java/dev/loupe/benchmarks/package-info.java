/** Benchmarks of the whole path, as ratios to a bound or a rival in the same process. */
package dev.loupe.benchmarks;
