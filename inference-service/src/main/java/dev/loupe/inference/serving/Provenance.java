package dev.loupe.inference.serving;

import dev.loupe.inference.model.ComputeType;
import dev.loupe.inference.processing.WeightProcessing;

/**
 * What made a number: enough to make it again, or to see why another run differs.
 *
 * @param model the model's id
 * @param weightsSha256 of the weight files, lower-case hexadecimal
 * @param computeType that the model computes in
 * @param processing of its weights
 * @param engine the tensor engine with its version
 * @param device where the model runs: {@code cpu}, or for instance {@code gpu(0)}
 * @param loupeVersion of this program
 */
public record Provenance(
    String model,
    String weightsSha256,
    ComputeType computeType,
    WeightProcessing processing,
    String engine,
    String device,
    String loupeVersion) {}
