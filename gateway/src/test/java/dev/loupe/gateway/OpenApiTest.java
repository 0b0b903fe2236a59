package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.util.JsonFormat;
import dev.loupe.gateway.fakes.FakeLoupe;
import dev.loupe.gateway.rest.ExampleRequests;
import dev.loupe.gateway.rest.HttpRules;
import java.net.URLEncoder;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The document at /openapi.json describes what is served, and the page at /docs/ shows it. */
class OpenApiTest {
  private static final Pattern REFERENCE = Pattern.compile("\"\\$ref\":\"([^\"]+)\"");

  @RegisterExtension static final FakeLoupe loupe = new FakeLoupe();

  private static JsonObject document;

  @BeforeAll
  static void read() {
    document = JsonParser.parseString(loupe.get("/openapi.json").body()).getAsJsonObject();
  }

  @Test
  void ourServicesComeFirstWithTheirComments() {
    List<String> tags = new ArrayList<>();
    document
        .getAsJsonArray("tags")
        .forEach(tag -> tags.add(tag.getAsJsonObject().get("name").getAsString()));
    assertThat(tags)
        .containsExactly(
            "GatewayService",
            "InferenceService",
            "AttributionService",
            "PatchingService",
            "HeadService",
            "NeuronService",
            "SaeService",
            "FeatureStoreService",
            "Operations");
    JsonObject tokenize = operation("/v1/models/{model}:tokenize", "post");
    assertThat(tokenize.get("summary").getAsString()).startsWith("Turns texts into token ids");
    assertThat(schema("loupe.inference.v1.Model").getAsJsonObject("properties").has("dModel"))
        .isTrue();
    assertThat(schema("loupe.inference.v1.Model").toString())
        .contains("Width of the residual stream");
  }

  /** Every call that has a rule is there, and nothing else. */
  @Test
  void describesEveryCallThatHasAPath() {
    Set<String> described = new HashSet<>();
    operations().forEach((place, operation) -> described.add(grpcName(operation)));
    assertThat(described)
        .containsExactlyInAnyOrderElementsOf(
            methods()
                .filter(m -> HttpRules.of(m).isPresent())
                .map(MethodDescriptor::getFullName)
                .toList());
  }

  @Test
  void everyReferenceLeadsSomewhere() {
    Matcher references = REFERENCE.matcher(document.toString());
    Set<String> names = new HashSet<>();
    while (references.find()) {
      names.add(references.group(1).replace("#/components/schemas/", ""));
    }
    assertThat(names).hasSizeGreaterThan(40);
    assertThat(document.getAsJsonObject("components").getAsJsonObject("schemas").keySet())
        .containsAll(names);
  }

  @Test
  void saysWhatJsonIsLike() {
    JsonObject properties =
        schema("loupe.inference.v1.Model").getAsJsonObject("properties").deepCopy();
    assertThat(properties.getAsJsonObject("parameters").get("type").getAsString())
        .isEqualTo("string");
    assertThat(properties.getAsJsonObject("layers").get("type").getAsString()).isEqualTo("integer");
    JsonObject request =
        operation("/v1/models/{model}:runForwardPass", "post")
            .getAsJsonObject("requestBody")
            .getAsJsonObject("content")
            .getAsJsonObject("application/json")
            .getAsJsonObject("schema");
    assertThat(request.getAsJsonObject("properties").has("model")).isFalse();
    assertThat(request.getAsJsonArray("required").toString()).isEqualTo("[\"prompts\"]");
    assertThat(
            operation("/v1/models/{model}:generateText", "post")
                .getAsJsonObject("responses")
                .getAsJsonObject("200")
                .getAsJsonObject("content")
                .keySet())
        .containsExactly("application/x-ndjson", "text/event-stream");
  }

  /** Each call has an example that is a request of it, with all that it requires. */
  @Test
  void everyCallHasAnExampleThatCanBeRead() throws Exception {
    Map<String, JsonObject> examples = new HashMap<>(ExampleRequests.read().all());
    for (MethodDescriptor method : methods().filter(m -> HttpRules.of(m).isPresent()).toList()) {
      JsonObject example = examples.remove(method.getFullName());
      assertThat(example).as(method.getFullName()).isNotNull();
      DynamicMessage.Builder request = DynamicMessage.newBuilder(method.getInputType());
      JsonFormat.parser().merge(example.toString(), request);
      JsonArray required = new JsonArray();
      operations().values().stream()
          .filter(operation -> grpcName(operation).equals(method.getFullName()))
          .forEach(operation -> required.addAll(required(operation)));
      for (JsonElement field : required) {
        assertThat(example.has(field.getAsString()))
            .as(method.getFullName() + " " + field)
            .isTrue();
      }
    }
    assertThat(examples).isEmpty();
  }

  /** The examples are put together from the document alone, as a form does it, and sent. */
  @Test
  void examplesReachTheirCalls() {
    operations()
        .forEach(
            (place, operation) -> {
              HttpResponse<String> response = send(place, operation);
              assertThat(response.body())
                  .as(place)
                  .doesNotContain("nothing is served")
                  .doesNotContain("not served with this method")
                  .doesNotContain("cannot be read");
              if (response.statusCode() == 501) {
                // The fake does not serve it, and says so itself.
                assertThat(response.body()).contains(grpcName(operation).replaceAll(".*\\.", ""));
              }
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "docs.js", "docs.css", "swagger-ui.css", "swagger-ui-bundle.js"})
  void servesItsPageWithAllThatItLoads(String file) {
    HttpResponse<String> response = loupe.get("/docs/" + file);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-security-policy").orElse(""))
        .contains("default-src 'none'")
        .contains("script-src 'self';")
        .contains("frame-ancestors 'none'");
    if (file.isEmpty()) {
      assertThat(response.body()).contains("docs.js").contains("rpc/").doesNotContain("//");
    }
  }

  @Test
  void theRpcFormsShowOurServicesOnce() {
    assertThat(loupe.get("/docs/rpc/").body()).contains("<html");
    JsonObject specification =
        JsonParser.parseString(loupe.get("/docs/rpc/specification.json").body()).getAsJsonObject();
    List<String> services = new ArrayList<>();
    specification
        .getAsJsonArray("services")
        .forEach(service -> services.add(service.getAsJsonObject().get("name").getAsString()));
    assertThat(services)
        .hasSize(8)
        .doesNotHaveDuplicates()
        .allMatch(name -> name.startsWith("loupe."))
        .noneMatch(name -> name.endsWith("_HTTP"));
    assertThat(specification.toString()).contains("Says everything about a prompt at once");
  }

  private static HttpResponse<String> send(String place, JsonObject operation) {
    String verb = place.substring(0, place.indexOf(' '));
    String path = place.substring(place.indexOf(' ') + 1);
    StringBuilder query = new StringBuilder();
    for (JsonElement element : operation.getAsJsonArray("parameters")) {
      JsonObject parameter = element.getAsJsonObject();
      String name = parameter.get("name").getAsString();
      if (parameter.get("in").getAsString().equals("path")) {
        path = path.replace("{" + name + "}", parameter.get("example").getAsString());
      } else if (parameter.has("example")) {
        JsonElement value = parameter.get("example");
        List<JsonElement> values =
            value.isJsonArray() ? value.getAsJsonArray().asList() : List.of(value);
        for (JsonElement one : values) {
          query.append(query.isEmpty() ? '?' : '&').append(name).append('=');
          query.append(URLEncoder.encode(one.getAsString(), StandardCharsets.UTF_8));
        }
      }
    }
    return switch (verb) {
      case "get" -> loupe.get(path + query);
      case "delete" -> loupe.delete(path + query);
      default ->
          loupe.post(
              path,
              operation
                  .getAsJsonObject("requestBody")
                  .getAsJsonObject("content")
                  .getAsJsonObject("application/json")
                  .get("example")
                  .toString());
    };
  }

  private static JsonArray required(JsonObject operation) {
    JsonArray required = new JsonArray();
    for (JsonElement element : operation.getAsJsonArray("parameters")) {
      JsonObject parameter = element.getAsJsonObject();
      if (parameter.get("in").getAsString().equals("query") && parameter.has("required")) {
        required.add(parameter.get("name"));
      }
    }
    if (operation.has("requestBody")) {
      JsonObject schema =
          operation
              .getAsJsonObject("requestBody")
              .getAsJsonObject("content")
              .getAsJsonObject("application/json")
              .getAsJsonObject("schema");
      if (schema.has("required")) {
        required.addAll(schema.getAsJsonArray("required"));
      }
    }
    return required;
  }

  private static Map<String, JsonObject> operations() {
    Map<String, JsonObject> operations = new HashMap<>();
    JsonObject paths = document.getAsJsonObject("paths");
    for (String path : paths.keySet()) {
      JsonObject verbs = paths.getAsJsonObject(path);
      verbs
          .keySet()
          .forEach(verb -> operations.put(verb + " " + path, verbs.getAsJsonObject(verb)));
    }
    return operations;
  }

  private static JsonObject operation(String path, String verb) {
    return document.getAsJsonObject("paths").getAsJsonObject(path).getAsJsonObject(verb);
  }

  private static JsonObject schema(String name) {
    return document.getAsJsonObject("components").getAsJsonObject("schemas").getAsJsonObject(name);
  }

  private static String grpcName(JsonObject operation) {
    return operation.get("description").getAsString().replaceAll("(?s).*gRPC: `(.*)`", "$1");
  }

  private static Stream<MethodDescriptor> methods() {
    return Stream.of(
            dev.loupe.proto.gateway.v1.Gateway.getDescriptor(),
            dev.loupe.proto.inference.v1.Inference.getDescriptor(),
            dev.loupe.proto.inference.v1.Attribution.getDescriptor(),
            dev.loupe.proto.inference.v1.Patching.getDescriptor(),
            dev.loupe.proto.inference.v1.Heads.getDescriptor(),
            dev.loupe.proto.inference.v1.Neurons.getDescriptor(),
            dev.loupe.proto.sae.v1.Sae.getDescriptor(),
            dev.loupe.proto.features.v1.Features.getDescriptor(),
            com.google.longrunning.OperationsProto.getDescriptor())
        .flatMap(file -> file.getServices().stream())
        .flatMap(service -> service.getMethods().stream());
  }
}
