package dev.loupe.gateway.rest;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * A request for each call, as JSON, that runs as it stands against the model that ships with Loupe
 * and, where it names one, the demo's dictionary.
 */
public final class ExampleRequests {
  private static final String FILE = "examples.json";

  private final JsonObject requests;

  private ExampleRequests(JsonObject requests) {
    this.requests = requests;
  }

  /** Reads the examples. */
  public static ExampleRequests read() {
    try (InputStream in = ExampleRequests.class.getResourceAsStream(FILE)) {
      return new ExampleRequests(
          JsonParser.parseReader(new InputStreamReader(in, StandardCharsets.UTF_8))
              .getAsJsonObject());
    } catch (IOException e) {
      throw new UncheckedIOException(FILE + " cannot be read", e);
    }
  }

  /** All requests by the full name of their call, {@code package.Service.Method}. */
  public Map<String, JsonObject> all() {
    Map<String, JsonObject> all = new TreeMap<>();
    requests.keySet().forEach(name -> all.put(name, requests.getAsJsonObject(name)));
    return all;
  }

  /** The request for a call; an empty one where there is no example. */
  JsonObject of(String method) {
    return requests.has(method) ? requests.getAsJsonObject(method) : new JsonObject();
  }
}
