package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.serving.ServedModel;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.ResourcePattern;
import java.util.List;

/** Resource names of kept activations. */
public final class CacheNames {
  private static final ResourcePattern NAME =
      ResourcePattern.of("models/{model}/activationCaches/{cache}");

  private CacheNames() {}

  /** The name of a model's cache. */
  public static String of(ServedModel model, String id) {
    return NAME.format(model.id(), id);
  }

  /** The model's and the cache's id. */
  public static List<String> parse(String field, String name) {
    return NAME.parse(field, name);
  }

  /** The id of a cache that must be the model's own. */
  static String id(ServedModel model, String field, String name) {
    List<String> parts = NAME.parse(field, name);
    if (!parts.get(0).equals(model.id())) {
      throw LoupeException.of(
              ErrorReason.MODEL_MISMATCH,
              "%s is %s, which another model made; expected one of models/%s"
                  .formatted(field, name, model.id()))
          .with("field", field);
    }
    return parts.get(1);
  }
}
