package dev.loupe.k8s;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.reflect.TypeToken;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.ApiException;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.apis.DiscoveryV1Api;
import io.kubernetes.client.openapi.models.V1EndpointSlice;
import io.kubernetes.client.util.Watch;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import okhttp3.Call;

/** The EndpointSlices of one Service, at {@code discovery.k8s.io/v1}. */
final class EndpointSliceApi {
  /** The server ends a watch after this time, and the client begins another. */
  private static final Duration WATCH = Duration.ofMinutes(4);

  /** Set on every slice that Kubernetes makes for a Service. */
  private static final String SERVICE_LABEL = "kubernetes.io/service-name";

  private final ApiClient client;
  private final ServiceTarget target;

  EndpointSliceApi(ApiClient client, ServiceTarget target) {
    this.client = client;
    this.target = target;
  }

  /** How long a connection may say nothing: a watch that outlives its time is dead. */
  static Duration readTimeout() {
    return WATCH.plusMinutes(1);
  }

  /** All slices now, and the version from which to watch. */
  Listing list() throws ApiException {
    JsonObject list =
        client.<JsonObject>execute(request().buildCall(null), JsonObject.class).getData();
    List<V1EndpointSlice> slices = new ArrayList<>();
    if (list.has("items") && list.get("items").isJsonArray()) {
      list.getAsJsonArray("items").forEach(item -> slices.add(slice(item.getAsJsonObject())));
    }
    return new Listing(slices, version(list));
  }

  /** Changes after a version, bookmarks among them. Canceling the call ends it. */
  Changes watch(String version) throws ApiException {
    Call call =
        request()
            .resourceVersion(version)
            .allowWatchBookmarks(true)
            .timeoutSeconds((int) WATCH.toSeconds())
            .watch(true)
            .buildCall(null);
    return new Changes(
        call,
        Watch.createWatch(client, call, new TypeToken<Watch.Response<JsonObject>>() {}.getType()));
  }

  /** The version that an object or a list has. */
  static String version(JsonObject object) {
    return object.getAsJsonObject("metadata").get("resourceVersion").getAsString();
  }

  /**
   * Reads a slice. Kubernetes writes null for lists without entries, which the client's model does
   * not take.
   *
   * @throws RuntimeException if it is none
   */
  static V1EndpointSlice slice(JsonObject object) {
    JsonObject tolerated = object.deepCopy();
    for (String list : new String[] {"endpoints", "ports"}) {
      if (!tolerated.has(list) || tolerated.get(list).isJsonNull()) {
        tolerated.add(list, new JsonArray());
      }
    }
    return JSON.getGson().fromJson(tolerated, V1EndpointSlice.class);
  }

  private DiscoveryV1Api.APIlistNamespacedEndpointSliceRequest request() {
    return new DiscoveryV1Api(client)
        .listNamespacedEndpointSlice(target.namespace())
        .labelSelector(SERVICE_LABEL + "=" + target.service());
  }

  /**
   * What there is at a version.
   *
   * @param slices of the Service
   * @param version from which to watch
   */
  record Listing(List<V1EndpointSlice> slices, String version) {}

  /**
   * A watch that is open.
   *
   * @param call to cancel it by
   * @param events as they come; ends when the server ends it
   */
  record Changes(Call call, Watch<JsonObject> events) {}
}
