package dev.loupe.inference.gradients;

import dev.loupe.inference.model.hooks.HookPoint;

/**
 * A linear function of one activation: vector . x[position].
 *
 * @param point where x is read
 * @param position absolute
 * @param vector as long as the last axis of the hook point
 */
public record LinearTarget(HookPoint point, int position, float[] vector) {}
