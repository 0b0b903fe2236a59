package dev.loupe.standalone;

import dev.loupe.inference.hub.HubException;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.model.ComputeType;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.standalone.client.LoupeClient;
import dev.loupe.standalone.client.ModelLoad;
import dev.loupe.standalone.demo.DemoException;
import dev.loupe.standalone.embedded.EmbeddedLoupe;
import java.util.List;

/** A model that a running Loupe serves, or has loaded when it is asked for. */
final class ServedModel {
  private ServedModel() {}

  /**
   * The name of a model.
   *
   * @param asked what the reader asks for: its name there, a folder or a hub id; null means the one
   *     that ships with Loupe
   * @throws DemoException when it is nothing that can be served
   * @throws io.grpc.StatusRuntimeException when it cannot be loaded
   */
  static String of(LoupeClient client, String asked, ModelLoad.Steps steps) {
    List<String> served = client.models();
    if (asked == null) {
      return served.stream()
          .filter(EmbeddedLoupe.SHIPPED_MODEL::equals)
          .findFirst()
          .orElseThrow(
              () ->
                  new DemoException(
                      "the running Loupe serves %s; say which with --model"
                          .formatted(String.join(", ", served))));
    }
    String name = asked.startsWith("models/") ? asked : "models/" + asked;
    if (served.contains(name)) {
      return name;
    }
    ModelSpec spec = spec(asked, served);
    return served.contains("models/" + spec.id())
        ? "models/" + spec.id()
        : client.load(
            new ModelLoad(
                spec.id(),
                source(spec.source()),
                spec.form().computeType() == ComputeType.BF16,
                spec.form().processing().steps()),
            steps);
  }

  private static ModelSpec spec(String asked, List<String> served) {
    try {
      return ModelSpec.parse(asked);
    } catch (HubException e) {
      throw new DemoException(
          "--model: %s, nor is it served: %s".formatted(e.getMessage(), String.join(", ", served)),
          e);
    }
  }

  private static String source(ModelSource source) {
    return source instanceof ModelSource.Folder folder
        ? folder.path().toString()
        : ((ModelSource.Repository) source).id()
            + "@"
            + ((ModelSource.Repository) source).revision();
  }
}
