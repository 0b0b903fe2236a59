package dev.loupe.testkit.golden;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Reads a golden safetensors file. It is written apart from the product's reader, so that neither
 * can hide the other's mistakes, and trusts its input.
 */
public final class GoldenFile {
  private final ByteBuffer data;
  private final Map<String, JsonNode> entries = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  /** Parses a whole file. */
  public GoldenFile(byte[] content) {
    ByteBuffer buffer = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    int length = Math.toIntExact(buffer.getLong());
    try {
      JsonNode header = new ObjectMapper().readTree(content, 8, length);
      for (Map.Entry<String, JsonNode> field : header.properties()) {
        if (field.getKey().equals("__metadata__")) {
          field
              .getValue()
              .properties()
              .forEach(e -> metadata.put(e.getKey(), e.getValue().asText()));
        } else {
          entries.put(field.getKey(), field.getValue());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    this.data = buffer.position(8 + length).slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** All names, in the file's order. */
  public Set<String> names() {
    return entries.keySet();
  }

  /** The file's metadata. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /**
   * A stored array.
   *
   * @throws IllegalArgumentException when there is none of this name
   */
  public GoldenTensor tensor(String name) {
    JsonNode entry = entries.get(name);
    if (entry == null) {
      throw new IllegalArgumentException("no golden tensor '" + name + "'");
    }
    long[] shape = new long[entry.get("shape").size()];
    int count = 1;
    for (int i = 0; i < shape.length; i++) {
      shape[i] = entry.get("shape").get(i).asLong();
      count *= (int) shape[i];
    }
    int begin = entry.get("data_offsets").get(0).asInt();
    String dtype = entry.get("dtype").asText();
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[i] =
          switch (dtype) {
            case "F32" -> data.getFloat(begin + 4 * i);
            case "F64" -> data.getDouble(begin + 8 * i);
            case "I64" -> data.getLong(begin + 8 * i);
            case "I32" -> data.getInt(begin + 4 * i);
            case "U8", "BOOL" -> data.get(begin + i);
            default -> throw new IllegalArgumentException("golden dtype " + dtype);
          };
    }
    return new GoldenTensor(shape, values);
  }
}
