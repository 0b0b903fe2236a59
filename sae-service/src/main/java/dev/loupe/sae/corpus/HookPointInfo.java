package dev.loupe.sae.corpus;

/**
 * A hook point as dictionaries see it.
 *
 * @param name TransformerLens's name
 * @param lastAxis name of its last axis, such as "d_model"
 * @param width elements at each position, over all axes after batch and position
 */
public record HookPointInfo(String name, String lastAxis, int width) {}
