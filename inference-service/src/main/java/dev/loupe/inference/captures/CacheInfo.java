package dev.loupe.inference.captures;

import java.time.Instant;
import java.util.List;

/**
 * What is known of kept activations.
 *
 * @param id within its model
 * @param number higher than those of all that were kept before it
 * @param bytes that it takes
 * @param expires when it is dropped
 * @param rows lengths of the run's rows, in tokens
 * @param activations to describe, not to read: their memory is held by leases only
 */
public record CacheInfo(
    String id,
    long number,
    long bytes,
    Instant expires,
    List<Integer> rows,
    List<KeptActivation> activations) {}
