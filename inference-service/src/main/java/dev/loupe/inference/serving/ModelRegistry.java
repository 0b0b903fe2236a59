package dev.loupe.inference.serving;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** The models of this server, sorted by id. */
public final class ModelRegistry implements AutoCloseable {
  private final TreeMap<String, ServedModel> models = new TreeMap<>();

  /** Holds these models, and closes them when it is closed. */
  public ModelRegistry(List<ServedModel> models) {
    models.forEach(model -> this.models.put(model.id(), model));
  }

  /** All, sorted by id. */
  public List<ServedModel> all() {
    return new ArrayList<>(models.values());
  }

  /**
   * One model.
   *
   * @throws LoupeException MODEL_NOT_FOUND, which names the loaded ones
   */
  public ServedModel get(String id) {
    ServedModel model = models.get(id);
    if (model == null) {
      throw LoupeException.of(
              ErrorReason.MODEL_NOT_FOUND,
              "model models/%s is not loaded; there is %s"
                  .formatted(id, String.join(", ", names())))
          .with("models", String.join(",", names()));
    }
    return model;
  }

  private List<String> names() {
    return models.keySet().stream().map(id -> "models/" + id).toList();
  }

  @Override
  public void close() {
    models.values().forEach(model -> model.loaded().close());
  }
}
