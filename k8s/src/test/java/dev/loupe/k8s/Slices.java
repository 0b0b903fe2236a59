package dev.loupe.k8s;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** EndpointSlices as the API server's JSON has them. */
final class Slices {
  private Slices() {}

  static Map<String, Object> slice(
      String addressType, int port, List<Map<String, Object>> endpoints) {
    Map<String, Object> slice = new HashMap<>();
    slice.put("addressType", addressType);
    slice.put(
        "ports",
        List.of(
            Map.of("name", "metrics", "port", port + 1, "protocol", "TCP"),
            Map.of("name", "grpc", "port", port, "protocol", "TCP")));
    slice.put("endpoints", endpoints);
    return slice;
  }

  static Map<String, Object> endpoint(String address, String uid, Boolean ready) {
    Map<String, Object> endpoint = new HashMap<>();
    endpoint.put("addresses", List.of(address));
    if (ready != null) {
      endpoint.put("conditions", Map.of("ready", ready, "serving", ready));
    }
    if (uid != null) {
      endpoint.put("targetRef", Map.of("kind", "Pod", "name", "pod-" + uid, "uid", uid));
    }
    return endpoint;
  }
}
