package dev.loupe.inference.serving;

import dev.loupe.inference.hub.ModelSource;
import dev.loupe.server.names.ResourcePattern;

/**
 * A model to load.
 *
 * @param id its resource id: lower-case letters, digits and hyphens, starting with a letter
 * @param source where its files are
 */
public record ModelSpec(String id, ModelSource source) {

  /** Checks the id. */
  public ModelSpec {
    ResourcePattern.requireId("model", id);
  }

  /**
   * Reads {@code [id=]folder-or-hub-id}; without an id it is made from the folder's or repository's
   * name.
   *
   * @throws dev.loupe.inference.hub.HubException when it is neither a folder nor a hub id
   */
  public static ModelSpec parse(String text) {
    int equals = text.indexOf('=');
    if (equals > 0 && text.substring(0, equals).matches("[a-z][a-z0-9-]*")) {
      return new ModelSpec(
          text.substring(0, equals), ModelSource.parse(text.substring(equals + 1)));
    }
    ModelSource source = ModelSource.parse(text);
    return new ModelSpec(source.modelId(), source);
  }
}
