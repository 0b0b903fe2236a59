package dev.loupe.gateway.rest;

import com.google.api.FieldBehavior;
import com.google.api.FieldBehaviorProto;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Schemas of messages in their JSON form (proto3's JSON mapping), under their full names. */
final class JsonSchemas {
  private final ProtoComments comments;
  private final Map<String, JsonObject> components = new TreeMap<>();

  JsonSchemas(ProtoComments comments) {
    this.comments = comments;
  }

  /** Everything that was referred to so far, by name. */
  JsonObject components() {
    JsonObject all = new JsonObject();
    components.forEach(all::add);
    return all;
  }

  /** A reference to a message's schema. */
  JsonObject reference(Descriptor message) {
    JsonObject known = wellKnown(message);
    if (known != null) {
      return known;
    }
    if (!components.containsKey(message.getFullName())) {
      components.put(message.getFullName(), new JsonObject());
      components.put(message.getFullName(), object(message, List.of()));
    }
    return referenceTo(message.getFullName());
  }

  /** A message's schema without some of its fields. */
  JsonObject object(Descriptor message, Collection<String> without) {
    JsonObject schema = typed("object", null);
    describe(schema, comments.of(message));
    JsonObject properties = new JsonObject();
    JsonArray required = new JsonArray();
    for (FieldDescriptor field : message.getFields()) {
      if (!without.contains(field.getName())) {
        properties.add(field.getJsonName(), described(field));
        if (isRequired(field)) {
          required.add(field.getJsonName());
        }
      }
    }
    schema.add("properties", properties);
    if (!required.isEmpty()) {
      schema.add("required", required);
    }
    return schema;
  }

  /** What stands in a field, without its comment. */
  JsonObject value(FieldDescriptor field) {
    if (field.isMapField()) {
      JsonObject map = typed("object", null);
      map.add("additionalProperties", one(field.getMessageType().findFieldByName("value")));
      return map;
    }
    if (field.isRepeated()) {
      JsonObject list = typed("array", null);
      list.add("items", one(field));
      return list;
    }
    return one(field);
  }

  /** The comment of a field, and which others it excludes. */
  String comment(FieldDescriptor field) {
    String others =
        field.getRealContainingOneof() == null
            ? ""
            : field.getRealContainingOneof().getFields().stream()
                .filter(other -> other != field)
                .map(other -> "`" + other.getJsonName() + "`")
                .collect(Collectors.joining(", "));
    return comments.of(field) + (others.isEmpty() ? "" : "\n\nExcludes " + others + ".");
  }

  static boolean isRequired(FieldDescriptor field) {
    return field
        .getOptions()
        .getExtension(FieldBehaviorProto.fieldBehavior)
        .contains(FieldBehavior.REQUIRED);
  }

  private JsonObject described(FieldDescriptor field) {
    JsonObject schema = value(field);
    if (schema.has("$ref")) {
      // Nothing may stand beside a reference.
      JsonArray all = new JsonArray();
      all.add(schema);
      schema = new JsonObject();
      schema.add("allOf", all);
    }
    describe(schema, comment(field));
    return schema;
  }

  private JsonObject one(FieldDescriptor field) {
    return switch (field.getType()) {
      case DOUBLE -> typed("number", "double");
      case FLOAT -> typed("number", "float");
      case INT32, UINT32, SINT32, FIXED32, SFIXED32 -> typed("integer", "int32");
      // Too large for the numbers of JavaScript.
      case INT64, UINT64, SINT64, FIXED64, SFIXED64 -> typed("string", "int64");
      case BOOL -> typed("boolean", null);
      case STRING -> typed("string", null);
      case BYTES -> typed("string", "byte");
      case ENUM -> enumeration(field.getEnumType());
      case MESSAGE -> reference(field.getMessageType());
      case GROUP -> throw new IllegalArgumentException(field.getFullName() + " is a group");
    };
  }

  private JsonObject enumeration(EnumDescriptor type) {
    if (!components.containsKey(type.getFullName())) {
      JsonObject schema = typed("string", null);
      JsonArray names = new JsonArray();
      StringBuilder said = new StringBuilder(comments.of(type)).append('\n');
      for (EnumValueDescriptor value : type.getValues()) {
        names.add(value.getName());
        said.append("\n- `").append(value.getName()).append("`: ").append(comments.of(value));
      }
      schema.add("enum", names);
      describe(schema, said.toString());
      components.put(type.getFullName(), schema);
    }
    return referenceTo(type.getFullName());
  }

  private static JsonObject wellKnown(Descriptor message) {
    return switch (message.getFullName()) {
      case "google.protobuf.Timestamp" -> typed("string", "date-time");
      case "google.protobuf.Duration" -> {
        JsonObject duration = typed("string", null);
        duration.addProperty("pattern", "^-?[0-9]+(\\.[0-9]{1,9})?s$");
        duration.addProperty("example", "1.5s");
        yield duration;
      }
      case "google.protobuf.Any" -> {
        JsonObject any = typed("object", null);
        JsonObject type = new JsonObject();
        type.add("@type", typed("string", null));
        any.add("properties", type);
        any.addProperty("additionalProperties", true);
        yield any;
      }
      case "google.protobuf.Empty" -> typed("object", null);
      default -> null;
    };
  }

  private static JsonObject referenceTo(String name) {
    JsonObject reference = new JsonObject();
    reference.addProperty("$ref", "#/components/schemas/" + name);
    return reference;
  }

  private static JsonObject typed(String type, String format) {
    JsonObject schema = new JsonObject();
    schema.addProperty("type", type);
    if (format != null) {
      schema.addProperty("format", format);
    }
    return schema;
  }

  private static void describe(JsonObject schema, String comment) {
    if (!comment.isEmpty()) {
      schema.addProperty("description", comment);
    }
  }
}
