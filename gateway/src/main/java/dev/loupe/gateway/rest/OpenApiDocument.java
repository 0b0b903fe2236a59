package dev.loupe.gateway.rest;

import com.google.api.HttpRule;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import java.util.List;
import java.util.Locale;

/**
 * The calls that have a JSON form, as an OpenAPI 3.0 document: paths from the google.api.http
 * rules, words from the comments in the protos, and requests that can be sent as they stand.
 */
public final class OpenApiDocument {
  private static final String ABOUT =
      """
      Looks inside GPT-2: activations, edits, attributions, and the features of sparse dictionaries.

      Numbers, names and failures are those of the protos, whose comments these are. Field names are in lower camel \
      case, 64-bit integers and bytes (as base64) are strings, fields that hold their default are written. Calls in \
      which the client streams have no JSON form: use gRPC, whose calls stand under [/docs/rpc/](/docs/rpc/).

      Streamed answers are one JSON object a line (`curl -N` shows them as they come), or server-sent events where the \
      Accept header names `text/event-stream`; an object with `error`, or an event of that name, ends a broken one.\
      """;

  private final ProtoComments comments = new ProtoComments();
  private final JsonSchemas schemas = new JsonSchemas(comments);
  private final ExampleRequests examples = ExampleRequests.read();
  private final JsonObject paths = new JsonObject();
  private final JsonArray tags = new JsonArray();

  private OpenApiDocument() {}

  /**
   * Makes the document.
   *
   * @param services full names, in the order in which they shall stand
   */
  public static String of(List<String> services) {
    ApiFiles files = ApiFiles.read();
    OpenApiDocument document = new OpenApiDocument();
    services.forEach(name -> document.add(files.service(name)));
    return document.whole().toString();
  }

  private JsonObject whole() {
    JsonObject whole = new JsonObject();
    whole.addProperty("openapi", "3.0.3");
    JsonObject info = new JsonObject();
    info.addProperty("title", "Loupe");
    info.addProperty("version", "v1");
    info.addProperty("description", ABOUT);
    JsonObject license = new JsonObject();
    license.addProperty("name", "Apache-2.0");
    license.addProperty("url", "https://www.apache.org/licenses/LICENSE-2.0");
    info.add("license", license);
    whole.add("info", info);
    JsonObject here = new JsonObject();
    here.addProperty("url", "/");
    whole.add("servers", list(here));
    whole.add("tags", tags);
    whole.add("paths", paths);
    JsonObject components = new JsonObject();
    JsonObject known = schemas.components();
    known.add("Error", ErrorSchema.schema());
    components.add("schemas", known);
    whole.add("components", components);
    return whole;
  }

  private void add(ServiceDescriptor service) {
    JsonObject tag = new JsonObject();
    tag.addProperty("name", service.getName());
    tag.addProperty("description", comments.of(service));
    tags.add(tag);
    service
        .getMethods()
        .forEach(method -> HttpRules.of(method).ifPresent(rule -> add(method, rule)));
  }

  private void add(MethodDescriptor method, HttpRule rule) {
    PathTemplate path = PathTemplate.of(rule);
    if (!paths.has(path.openApi())) {
      paths.add(path.openApi(), new JsonObject());
    }
    paths
        .getAsJsonObject(path.openApi())
        .add(
            rule.getPatternCase().name().toLowerCase(Locale.ROOT),
            operation(method, path, !rule.getBody().isEmpty()));
  }

  private JsonObject operation(MethodDescriptor method, PathTemplate path, boolean hasBody) {
    JsonObject operation = new JsonObject();
    String comment = comments.of(method);
    JsonArray tag = new JsonArray();
    tag.add(method.getService().getName());
    operation.add("tags", tag);
    operation.addProperty("summary", ProtoComments.summary(comment));
    operation.addProperty("description", comment + "\n\ngRPC: `" + method.getFullName() + "`");
    operation.addProperty("operationId", method.getService().getName() + "_" + method.getName());
    JsonObject example = examples.of(method.getFullName());
    JsonArray parameters = pathParameters(method, path, example);
    if (hasBody) {
      operation.add("requestBody", body(method, path, example));
    } else {
      queryParameters(method, path, example).forEach(parameters::add);
    }
    operation.add("parameters", parameters);
    operation.add("responses", responses(method));
    return operation;
  }

  private JsonArray pathParameters(MethodDescriptor method, PathTemplate path, JsonObject example) {
    JsonArray parameters = new JsonArray();
    for (PathTemplate.Parameter id : path.parameters()) {
      FieldDescriptor field = method.getInputType().findFieldByName(id.field());
      JsonObject text = new JsonObject();
      text.addProperty("type", "string");
      JsonObject parameter = parameter(id.name(), "path", schemas.comment(field), text);
      parameter.addProperty("required", true);
      if (example.has(field.getJsonName())) {
        String[] segments = example.get(field.getJsonName()).getAsString().split("/");
        parameter.addProperty("example", segments[id.segment()]);
      }
      parameters.add(parameter);
    }
    return parameters;
  }

  private JsonArray queryParameters(
      MethodDescriptor method, PathTemplate path, JsonObject example) {
    JsonArray parameters = new JsonArray();
    for (FieldDescriptor field : method.getInputType().getFields()) {
      if (!path.fields().contains(field.getName())) {
        JsonObject parameter =
            parameter(field.getJsonName(), "query", schemas.comment(field), schemas.value(field));
        if (JsonSchemas.isRequired(field)) {
          parameter.addProperty("required", true);
        }
        addIfThere(parameter, "example", example.get(field.getJsonName()));
        parameters.add(parameter);
      }
    }
    return parameters;
  }

  private JsonObject body(MethodDescriptor method, PathTemplate path, JsonObject example) {
    JsonObject media = new JsonObject();
    media.add("schema", schemas.object(method.getInputType(), path.fields()));
    JsonObject shown = example.deepCopy();
    path.fields()
        .forEach(name -> shown.remove(method.getInputType().findFieldByName(name).getJsonName()));
    media.add("example", shown);
    JsonObject body = new JsonObject();
    body.addProperty("required", true);
    body.add("content", content("application/json", media));
    return body;
  }

  private JsonObject responses(MethodDescriptor method) {
    JsonObject schema = new JsonObject();
    schema.add("schema", schemas.reference(method.getOutputType()));
    JsonObject good = new JsonObject();
    if (method.isServerStreaming()) {
      JsonObject text = new JsonObject();
      text.addProperty("type", "string");
      JsonObject events = new JsonObject();
      events.add("schema", text);
      JsonObject content = content("application/x-ndjson", schema);
      content.add("text/event-stream", events);
      good.addProperty("description", "A stream of these, one a line.");
      good.add("content", content);
    } else {
      good.addProperty("description", described(method));
      good.add("content", content("application/json", schema));
    }
    JsonObject reference = new JsonObject();
    reference.addProperty("$ref", "#/components/schemas/Error");
    JsonObject error = new JsonObject();
    error.add("schema", reference);
    JsonObject bad = new JsonObject();
    bad.addProperty("description", "What went wrong.");
    bad.add("content", content("application/json", error));
    JsonObject responses = new JsonObject();
    responses.add("200", good);
    responses.add("default", bad);
    return responses;
  }

  private String described(MethodDescriptor method) {
    String comment = comments.of(method.getOutputType());
    return comment.isEmpty() ? method.getOutputType().getName() : comment;
  }

  private static JsonObject parameter(
      String name, String where, String comment, JsonObject schema) {
    JsonObject parameter = new JsonObject();
    parameter.addProperty("name", name);
    parameter.addProperty("in", where);
    parameter.addProperty("description", comment);
    parameter.add("schema", schema);
    return parameter;
  }

  private static JsonObject content(String type, JsonObject media) {
    JsonObject content = new JsonObject();
    content.add(type, media);
    return content;
  }

  private static void addIfThere(JsonObject object, String name, JsonElement value) {
    if (value != null) {
      object.add(name, value);
    }
  }

  private static JsonArray list(JsonObject one) {
    JsonArray list = new JsonArray();
    list.add(one);
    return list;
  }
}
