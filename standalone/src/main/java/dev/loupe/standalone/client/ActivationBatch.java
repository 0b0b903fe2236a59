package dev.loupe.standalone.client;

/**
 * One hook point's value over a batch of rows.
 *
 * @param batch which batch, from 0, in the order sent
 * @param hookPoint the hook point's name
 * @param values row-major, [rows, pos, width]; positions past a row's end have no meaning
 * @param positions length of the pos axis: that of the batch's longest row
 * @param width length of the last axis
 */
public record ActivationBatch(
    int batch, String hookPoint, float[] values, int positions, int width) {}
