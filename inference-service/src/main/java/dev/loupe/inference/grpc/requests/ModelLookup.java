package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.serving.ModelRegistry;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.server.names.ResourcePattern;

/** Finds the model that a request names. */
public final class ModelLookup {
  private static final ResourcePattern NAME = ResourcePattern.of("models/{model}");

  private final ModelRegistry registry;

  /** A lookup among the loaded models. */
  public ModelLookup(ModelRegistry registry) {
    this.registry = registry;
  }

  /**
   * The model of that name, which stays in memory until the running call's handler has ended.
   *
   * @param field of the request, for the error
   * @throws dev.loupe.server.errors.LoupeException INVALID_NAME or MODEL_NOT_FOUND
   */
  public ServedModel named(String field, String name) {
    return ModelLeases.current().use(registry, NAME.parseId(field, name));
  }

  /**
   * The model of that name, to describe it: its weights may be freed at any time.
   *
   * @param field of the request, for the error
   * @throws dev.loupe.server.errors.LoupeException INVALID_NAME or MODEL_NOT_FOUND
   */
  public ServedModel described(String field, String name) {
    return registry.get(NAME.parseId(field, name));
  }
}
