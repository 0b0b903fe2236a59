package dev.loupe.inference.scheduling;

/**
 * What a turn on the device is for.
 *
 * @param model the model's id
 * @param rows run together
 * @param tokens run, padding not counted
 */
public record Work(String model, int rows, int tokens) {}
