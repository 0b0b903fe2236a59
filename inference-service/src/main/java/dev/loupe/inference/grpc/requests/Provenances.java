package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.ComputeType;
import dev.loupe.proto.inference.v1.Provenance;
import dev.loupe.proto.inference.v1.WeightProcessing;
import dev.loupe.server.errors.LoupeException;

/** What made an answer, as messages. */
public final class Provenances {
  private Provenances() {}

  /** The provenance of what a model computes; every response that holds numbers carries it. */
  public static Provenance of(ServedModel model) {
    dev.loupe.inference.serving.Provenance known = model.provenance();
    return Provenance.newBuilder()
        .setModel("models/" + known.model())
        .setWeightsSha256(known.weightsSha256())
        .setComputeType(computeType(known.computeType()))
        .setProcessing(processing(known.processing()))
        .setEngine(known.engine())
        .setDevice(known.device())
        .setLoupeVersion(known.loupeVersion())
        .build();
  }

  static ComputeType computeType(dev.loupe.inference.model.ComputeType type) {
    return switch (type) {
      case F32 -> ComputeType.COMPUTE_TYPE_F32;
      case BF16 -> ComputeType.COMPUTE_TYPE_BF16;
    };
  }

  /**
   * The compute type that a request names; F32 when it names none.
   *
   * @throws LoupeException INVALID_VALUE for a number that is no type
   */
  public static dev.loupe.inference.model.ComputeType computeType(String field, ComputeType type) {
    return switch (type) {
      case COMPUTE_TYPE_UNSPECIFIED, COMPUTE_TYPE_F32 -> dev.loupe.inference.model.ComputeType.F32;
      case COMPUTE_TYPE_BF16 -> dev.loupe.inference.model.ComputeType.BF16;
      case UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              field, "not known", "COMPUTE_TYPE_F32 or COMPUTE_TYPE_BF16");
    };
  }

  /** The steps of weight processing that a request asks for. */
  public static dev.loupe.inference.processing.WeightProcessing processing(WeightProcessing steps) {
    return new dev.loupe.inference.processing.WeightProcessing(
        steps.getFoldLn(),
        steps.getCenterWritingWeights(),
        steps.getCenterUnembed(),
        steps.getFoldValueBiases());
  }

  static WeightProcessing processing(dev.loupe.inference.processing.WeightProcessing steps) {
    return WeightProcessing.newBuilder()
        .setFoldLn(steps.foldLn())
        .setCenterWritingWeights(steps.centerWritingWeights())
        .setCenterUnembed(steps.centerUnembed())
        .setFoldValueBiases(steps.foldValueBiases())
        .build();
  }
}
