package dev.loupe.inference.neurons;

/**
 * A place where a unit is strongly active.
 *
 * @param batch the batch's id
 * @param row within the batch
 * @param position within the row
 * @param activation the value there
 * @param context token ids around the position, as many as were asked for and are there
 * @param focus where the position lies within the context
 */
public record Example(
    long batch, int row, int position, float activation, int[] context, int focus) {}
