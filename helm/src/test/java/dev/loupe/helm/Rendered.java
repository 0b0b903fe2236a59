package dev.loupe.helm;

import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import io.kubernetes.client.openapi.models.V1PodSpec;
import io.kubernetes.client.openapi.models.V1Role;
import io.kubernetes.client.openapi.models.V1RoleBinding;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** Rendered manifests. */
final class Rendered {
  /** Every kind that the chart may make, with its model; a ServiceMonitor has none. */
  private static final Map<String, Class<?>> MODELS =
      Map.of(
          "Deployment", V1Deployment.class,
          "Service", V1Service.class,
          "PersistentVolumeClaim", V1PersistentVolumeClaim.class,
          "ServiceAccount", V1ServiceAccount.class,
          "Role", V1Role.class,
          "RoleBinding", V1RoleBinding.class);

  private final List<Map<String, Object>> objects = new ArrayList<>();

  Rendered(String text) {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    for (Object document : new Yaml(new SafeConstructor(options)).loadAll(text)) {
      if (document != null) {
        @SuppressWarnings("unchecked")
        Map<String, Object> object = (Map<String, Object>) document;
        objects.add(object);
      }
    }
  }

  /** All objects, as maps. */
  List<Map<String, Object>> objects() {
    return objects;
  }

  /**
   * Reads an object with the Kubernetes client's model.
   *
   * @throws RuntimeException if it has a field that Kubernetes does not know, or lacks one that it
   *     needs
   */
  static Object strict(Map<String, Object> object) {
    Class<?> model = MODELS.get(object.get("kind"));
    if (model == null) {
      throw new IllegalArgumentException("the chart makes no " + object.get("kind"));
    }
    return JSON.deserialize(Chart.json(object), model);
  }

  List<V1Deployment> deployments() {
    return all(V1Deployment.class);
  }

  V1Deployment deployment(String component) {
    return named("loupe-" + component, deployments(), d -> d.getMetadata().getName());
  }

  V1PodSpec pod(String component) {
    return deployment(component).getSpec().getTemplate().getSpec();
  }

  V1Container container(String component) {
    return pod(component).getContainers().get(0);
  }

  List<V1Service> services() {
    return all(V1Service.class);
  }

  V1Service service(String name) {
    return named("loupe-" + name, services(), s -> s.getMetadata().getName());
  }

  List<V1PersistentVolumeClaim> claims() {
    return all(V1PersistentVolumeClaim.class);
  }

  V1Role role() {
    return all(V1Role.class).get(0);
  }

  /** The objects of a kind that the client has no model for. */
  List<Map<String, Object>> ofKind(String kind) {
    return objects.stream().filter(object -> kind.equals(object.get("kind"))).toList();
  }

  private <T> List<T> all(Class<T> model) {
    return objects.stream()
        .filter(object -> model.equals(MODELS.get(object.get("kind"))))
        .map(Rendered::strict)
        .map(model::cast)
        .toList();
  }

  private static <T> T named(String name, List<T> objects, Function<T, String> names) {
    return objects.stream()
        .filter(object -> name.equals(names.apply(object)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("the chart makes no " + name));
  }
}
