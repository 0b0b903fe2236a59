package dev.loupe.gateway.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.docs.DocService;
import com.linecorp.armeria.server.docs.DocServiceBuilder;
import dev.loupe.gateway.rest.ExampleRequests;

/** The calls as gRPC has them, with forms for those of one answer, and requests to start from. */
final class ApiDocs {
  private static final String SPECIFICATION = "/specification.json";

  /** Armeria's name for the JSON form of a service, which the OpenAPI document describes better. */
  private static final String TRANSCODED = "_HTTP";

  private ApiDocs() {}

  static HttpService service() {
    DocServiceBuilder docs =
        DocService.builder()
            .webAppTitle("Loupe")
            .exclude((plugin, service, method) -> !service.startsWith("loupe."));
    ExampleRequests.read()
        .all()
        .forEach(
            (method, request) -> {
              int dot = method.lastIndexOf('.');
              docs.exampleRequests(
                  method.substring(0, dot), method.substring(dot + 1), request.toString());
            });
    return docs.build().decorate(ApiDocs::serve);
  }

  private static HttpResponse serve(
      HttpService docs, ServiceRequestContext ctx, HttpRequest request) throws Exception {
    if (!ctx.mappedPath().equals(SPECIFICATION)) {
      return docs.serve(ctx, request);
    }
    // A compressed one could not be read here.
    HttpRequest plain =
        request.withHeaders(
            request.headers().toBuilder().removeAndThen(HttpHeaderNames.ACCEPT_ENCODING).build());
    ctx.updateRequest(plain);
    return HttpResponse.of(
        docs.serve(ctx, plain).aggregate().thenApply(ApiDocs::withoutTranscoded));
  }

  private static HttpResponse withoutTranscoded(AggregatedHttpResponse response) {
    if (!response.status().isSuccess()) {
      return response.toHttpResponse();
    }
    JsonObject specification = JsonParser.parseString(response.contentUtf8()).getAsJsonObject();
    JsonArray services = new JsonArray();
    for (JsonElement service : specification.getAsJsonArray("services")) {
      if (!service.getAsJsonObject().get("name").getAsString().endsWith(TRANSCODED)) {
        services.add(service);
      }
    }
    specification.add("services", services);
    return HttpResponse.of(response.status(), MediaType.JSON_UTF_8, specification.toString());
  }
}
