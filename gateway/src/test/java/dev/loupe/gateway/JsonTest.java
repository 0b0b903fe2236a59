package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.api.AnnotationsProto;
import com.google.api.HttpRule;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.loupe.gateway.fakes.FakeLoupe;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Calls as JSON over HTTP. */
class JsonTest {
  @RegisterExtension static final FakeLoupe loupe = new FakeLoupe();

  static Stream<MethodDescriptor> annotatedCalls() {
    return Stream.of(
            dev.loupe.proto.inference.v1.Inference.getDescriptor(),
            dev.loupe.proto.inference.v1.Attribution.getDescriptor(),
            dev.loupe.proto.inference.v1.Patching.getDescriptor(),
            dev.loupe.proto.inference.v1.Heads.getDescriptor(),
            dev.loupe.proto.inference.v1.Neurons.getDescriptor(),
            dev.loupe.proto.sae.v1.Sae.getDescriptor(),
            dev.loupe.proto.features.v1.Features.getDescriptor(),
            dev.loupe.proto.gateway.v1.Gateway.getDescriptor())
        .flatMap(file -> file.getServices().stream())
        .map(ServiceDescriptor::getMethods)
        .flatMap(List::stream)
        .filter(method -> method.getOptions().hasExtension(AnnotationsProto.http));
  }

  /** Whatever a call answers, it is the service that answers, with a gRPC status. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("annotatedCalls")
  void everyAnnotatedCallHasItsPath(MethodDescriptor method) {
    HttpRule rule = method.getOptions().getExtension(AnnotationsProto.http);
    String pattern = rule.getGet() + rule.getPost() + rule.getDelete();
    String path = pattern.replaceAll("\\{[a-z_]+=([^}]*)}", "$1").replace("*", "x");
    HttpResponse<String> response =
        switch (rule.getPatternCase()) {
          case GET -> loupe.get(path);
          case DELETE -> loupe.delete(path);
          default -> loupe.post(path, "{}");
        };
    assertThat(response.headers().firstValue("content-type"))
        .contains("application/json; charset=utf-8");
    assertThat(response.body())
        .doesNotContain("nothing is served")
        .doesNotContain("cannot be read");
    if (response.statusCode() == 501) {
      // The fake does not serve it, and says so itself.
      assertThat(error(response).get("message").getAsString())
          .contains(method.getService().getFullName() + "/" + method.getName());
    }
  }

  @Test
  void readsVariablesOfThePathVerbsAndBodies() {
    HttpResponse<String> response = loupe.post("/v1/models/demo:tokenize", "{\"texts\": [\"ab\"]}");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(json(response))
        .isEqualTo(
            JsonParser.parseString(
                "{\"texts\": [{\"ids\": [0, 97, 98], \"tokens\": [\"<bos>\", \"a\", \"b\"],"
                    + " \"byteEnds\": [0], \"bosPrepended\": true}]}"));
  }

  @Test
  void tensorsOfSixteenBitsAreBase64InBothDirections() {
    String given =
        "{\"layout\": {\"dtype\": \"DTYPE_F16\", \"axes\": [{\"name\": \"pos\", \"size\": \"1\"}]},"
            + " \"data\": \"AD4=\"}"; // 1.5
    HttpResponse<String> response =
        loupe.post(
            "/v1/models/demo:runForwardPass",
            "{\"prompts\": [{\"tokens\": {\"ids\": [2]}}],"
                + " \"captures\": [{\"hookPoint\": \"h\", \"dtype\": \"DTYPE_BF16\"}],"
                + " \"interventions\": [{\"hookPoint\": \"h\", \"patch\": {\"value\": "
                + given
                + "}}]}");
    assertThat(response.statusCode()).isEqualTo(200);
    JsonArray activations = json(response).getAsJsonObject().getAsJsonArray("activations");
    JsonObject captured = activations.get(0).getAsJsonObject().getAsJsonObject("value");
    assertThat(captured.getAsJsonObject("layout").get("dtype").getAsString())
        .isEqualTo("DTYPE_BF16");
    // 2, 0, 1, -1, the upper halves of their binary32 forms, little-endian.
    assertThat(Base64.getDecoder().decode(captured.get("data").getAsString()))
        .containsExactly(0x00, 0x40, 0x00, 0x00, 0x80, 0x3f, 0x80, 0xbf);
    assertThat(activations.get(1).getAsJsonObject().get("value"))
        .isEqualTo(JsonParser.parseString(given));
  }

  @Test
  void readsQueriesInBothSpellings() {
    for (String query :
        List.of(
            "pageSize=7&orderBy=density%20desc&view=FEATURE_VIEW_FULL",
            "page_size=7&order_by=density+desc&view=FEATURE_VIEW_FULL")) {
      JsonObject found = json(loupe.get("/v1/dictionaries/demo/features?" + query));
      assertThat(found.get("nextPageToken").getAsString())
          .isEqualTo("7|density desc|FEATURE_VIEW_FULL");
      assertThat(
              found.getAsJsonArray("features").get(0).getAsJsonObject().get("name").getAsString())
          .isEqualTo("dictionaries/demo");
    }
  }

  @Test
  void readsRepeatedQueries() {
    JsonObject found =
        json(
            loupe.get(
                "/v1/dictionaries/demo/features:batchGet?features=97&features=98&view=FEATURE_VIEW_BASIC"));
    assertThat(found.getAsJsonArray("features")).hasSize(2);
  }

  @Test
  void deletes() {
    assertThat(loupe.delete("/v1/dictionaries/demo/features/5").statusCode()).isEqualTo(200);
    assertThat(loupe.features.deleted).contains("dictionaries/demo/features/5");
  }

  @Test
  void writesDefaultsAndLargeNumbersAsProtobufDoes() {
    JsonObject model = json(loupe.get("/v1/models/demo"));
    assertThat(model.get("parameters").getAsString()).isEqualTo("3000000000");
    assertThat(model.get("layers").getAsInt()).isZero();
  }

  @Test
  void writesWhatAnOperationHolds() {
    JsonObject operation = json(loupe.get("/v1/dictionaries/demo/operations/train-1"));
    assertThat(operation.get("name").getAsString())
        .isEqualTo("dictionaries/demo/operations/train-1");
    assertThat(operation.getAsJsonObject("metadata").get("step").getAsString()).isEqualTo("7");
    assertThat(operation.getAsJsonObject("response").get("dIn").getAsInt()).isEqualTo(4);
  }

  @Test
  void givesErrorsWithTheirReason() {
    HttpResponse<String> response = loupe.get("/v1/models/nope");
    assertThat(response.statusCode()).isEqualTo(404);
    JsonObject error = error(response);
    assertThat(error.get("code").getAsInt()).isEqualTo(404);
    assertThat(error.get("status").getAsString()).isEqualTo("NOT_FOUND");
    assertThat(error.get("message").getAsString()).contains("models/nope is not loaded");
    JsonObject info = error.getAsJsonArray("details").get(0).getAsJsonObject();
    assertThat(info.get("reason").getAsString()).isEqualTo("MODEL_NOT_FOUND");
    assertThat(info.get("domain").getAsString()).isEqualTo("loupe");
    assertThat(info.getAsJsonObject("metadata").get("loaded").getAsString())
        .isEqualTo("models/demo");
  }

  @Test
  void refusesWhatIsNoJsonAndSaysWhatIsWrong() {
    for (String body : List.of("{", "[]", "{\"texs\": []}", "{\"texts\": 5}", "{\"omitBos\": 3}")) {
      HttpResponse<String> response = loupe.post("/v1/models/demo:tokenize", body);
      assertThat(response.statusCode()).as(body + " gave " + response.body()).isEqualTo(400);
      assertThat(error(response).get("status").getAsString()).isEqualTo("INVALID_ARGUMENT");
      assertThat(error(response).get("message").getAsString()).contains("cannot be read");
      assertThat(response.body()).contains("INVALID_VALUE");
    }
    HttpResponse<String> number = loupe.get("/v1/dictionaries/demo/features?pageSize=many");
    assertThat(number.statusCode()).isEqualTo(400);
    HttpResponse<String> text =
        loupe.post("/v1/models/demo:tokenize", "{}", Map.of("Content-Type", "text/plain"));
    assertThat(text.statusCode()).isEqualTo(400);
  }

  @Test
  void refusesTextThatIsNoText() {
    HttpResponse<String> half =
        loupe.post("/v1/models/demo:tokenize", "{\"texts\": [\"a\", \"b\\ud800\"]}");
    assertThat(half.statusCode()).as(half.body()).isEqualTo(400);
    assertThat(half.body()).contains("surrogate").contains("INVALID_VALUE");
    HttpResponse<String> latin1 =
        loupe.send(
            HttpRequest.newBuilder(loupe.uri("/v1/models/demo:tokenize"))
                .header("Content-Type", "application/json")
                .POST(
                    HttpRequest.BodyPublishers.ofByteArray(
                        "{\"texts\": [\"caf\u00e9\"]}".getBytes(StandardCharsets.ISO_8859_1)))
                .build());
    assertThat(latin1.statusCode()).as(latin1.body()).isEqualTo(400);
    assertThat(latin1.body())
        .contains("INVALID_VALUE", "its body is not UTF-8 text: byte 0xE9 at offset 15");
  }

  @Test
  void refusesAnUnknownPathAndMethod() {
    HttpResponse<String> path = loupe.get("/v1/modles");
    assertThat(path.statusCode()).isEqualTo(404);
    assertThat(error(path).get("message").getAsString()).contains("GET /v1/modles");
    HttpResponse<String> method =
        loupe.send(
            HttpRequest.newBuilder(loupe.uri("/v1/models"))
                .method("PUT", HttpRequest.BodyPublishers.noBody())
                .build());
    assertThat(method.statusCode()).isIn(404, 405);
    assertThat(error(method).get("message").getAsString()).contains("PUT /v1/models");
  }

  @Test
  void refusesABodyOverTheLimit() {
    HttpResponse<String> response =
        loupe.post("/v1/models/demo:tokenize", "{\"texts\": [\"" + "x".repeat(9 << 20) + "\"]}");
    assertThat(response.statusCode()).isEqualTo(413);
    assertThat(response.body()).contains("MESSAGE_TOO_LARGE");
  }

  @Test
  void servesTheFormsOfTheDocs() {
    HttpResponse<String> response =
        loupe.post(
            "/loupe.inference.v1.InferenceService/ListModels",
            "{}",
            Map.of("Content-Type", "application/json; charset=utf-8; protocol=gRPC"));
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).contains("models/demo");
  }

  private static JsonObject json(HttpResponse<String> response) {
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    return JsonParser.parseString(response.body()).getAsJsonObject();
  }

  private static JsonObject error(HttpResponse<String> response) {
    return JsonParser.parseString(response.body()).getAsJsonObject().getAsJsonObject("error");
  }
}
