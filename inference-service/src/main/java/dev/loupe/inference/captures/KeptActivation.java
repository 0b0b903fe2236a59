package dev.loupe.inference.captures;

import ai.djl.ndarray.NDArray;

/**
 * One value in a cache.
 *
 * @param capture what it was made by
 * @param index which of the run's captures that was, from 0
 * @param layout its axes
 * @param values in the cache's memory
 * @param indices where the largest entries stood; null unless the capture asked for them
 */
public record KeptActivation(
    Capture capture, int index, CaptureLayout layout, NDArray values, NDArray indices) {}
