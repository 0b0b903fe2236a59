package dev.loupe.inference.neurons;

import dev.loupe.inference.model.hooks.HookPoint;
import java.util.List;

/**
 * What a scan found about a unit.
 *
 * @param point where it lies
 * @param unit its index there
 * @param examples strongest first
 * @param statistics over all tokens that were looked at
 */
public record UnitReport(
    HookPoint point, int unit, List<Example> examples, Statistics statistics) {}
