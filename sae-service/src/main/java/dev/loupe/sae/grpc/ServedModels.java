package dev.loupe.sae.grpc;

import dev.loupe.sae.client.InferenceClient;
import dev.loupe.sae.corpus.ModelInfo;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.StatusRuntimeException;
import java.util.Optional;

/**
 * Whether two names stand for one model: the same name, or names of served models with the same
 * weights.
 */
final class ServedModels {
  private final InferenceClient inference;

  ServedModels(InferenceClient inference) {
    this.inference = inference;
  }

  /**
   * Whether both are one model. The inference service is asked only where the names differ.
   *
   * @param sha256 of the one's weights, empty when not known
   * @param otherSha256 of the other's weights, empty when not known
   * @throws dev.loupe.server.errors.LoupeException INFERENCE_UNAVAILABLE
   */
  boolean areOne(String model, String sha256, String other, String otherSha256) {
    if (model.equals(other) || (!sha256.isEmpty() && sha256.equals(otherSha256))) {
      return true;
    }
    Optional<String> weights = weights(model, sha256);
    return weights.isPresent() && weights.equals(weights(other, otherSha256));
  }

  private Optional<String> weights(String model, String sha256) {
    try {
      ModelInfo served = inference.model(model, sha256);
      return Optional.of(served.weightsSha256());
    } catch (StatusRuntimeException e) {
      if (LoupeErrors.reason(e).equals(Optional.of(ErrorReason.MODEL_NOT_FOUND))) {
        return Optional.of(sha256).filter(known -> !known.isEmpty());
      }
      throw e;
    }
  }
}
