package dev.loupe.inference.neurons;

import java.util.Optional;

/**
 * How a unit's values lie.
 *
 * @param count values
 * @param mean of them; 0 when there are none
 * @param variance divided by their number
 * @param minimum the smallest; 0 when there are none
 * @param maximum the largest; 0 when there are none
 * @param active how many lie above 0
 * @param histogram how many lie in each bucket of {@link Histogram}, where asked for
 */
public record Statistics(
    long count,
    double mean,
    double variance,
    float minimum,
    float maximum,
    long active,
    Optional<int[]> histogram) {}
