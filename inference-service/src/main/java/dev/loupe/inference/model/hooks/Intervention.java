package dev.loupe.inference.model.hooks;

/**
 * A change to one activation, as data.
 *
 * @param point where
 * @param selection to which part of the activation
 * @param edit what happens to it
 */
public record Intervention(HookPoint point, Selection selection, Edit edit) {}
