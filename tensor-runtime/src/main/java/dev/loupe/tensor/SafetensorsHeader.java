package dev.loupe.tensor;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The head of a safetensors file: eight little-endian bytes with the length of a JSON object, then
 * the object: tensor name to dtype, shape and byte range within the data that follows, and
 * optionally {@code __metadata__}, string to string. Every rule of the format that a reader relies
 * on is checked here, before a byte of data is touched.
 *
 * @param bytes the head as it was read, with the length in front; the data follow it
 * @param entries in the order of their names in the head
 */
record SafetensorsHeader(
    ByteBuffer bytes, Map<String, Entry> entries, Map<String, String> metadata) {

  /** The reference implementation's own bound. */
  static final long MAX_HEADER_BYTES = 100_000_000;

  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /**
   * Where one tensor lies.
   *
   * @param begin first byte, from the start of the data
   * @param end one past the last byte, from the start of the data
   */
  record Entry(String name, ElementType type, long[] shape, long begin, long end) {}

  static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
    long fileBytes = channel.size();
    if (fileBytes < 8) {
      throw new SafetensorsException(
          file, "has " + fileBytes + " bytes; a safetensors file starts with an 8-byte length");
    }
    ByteBuffer length = readFully(file, channel, ByteBuffer.allocate(8));
    long headerBytes = length.order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES) {
      throw new SafetensorsException(
          file,
          "header length is %s; expected 2 to %d"
              .formatted(Long.toUnsignedString(headerBytes), MAX_HEADER_BYTES));
    }
    if (headerBytes > fileBytes - 8) {
      throw new SafetensorsException(
          file,
          "header length is %d, but only %d bytes follow it; the file is truncated"
              .formatted(headerBytes, fileBytes - 8));
    }
    ByteBuffer bytes = ByteBuffer.allocate(8 + (int) headerBytes).put(length);
    readFully(file, channel, bytes);
    JsonNode root;
    try {
      root = JSON.readTree(bytes.array(), 8, (int) headerBytes);
    } catch (JsonProcessingException e) {
      throw new SafetensorsException(file, "header is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new SafetensorsException(file, "header is not UTF-8 text: " + e.getMessage(), e);
    }
    if (root == null || !root.isObject()) {
      throw new SafetensorsException(file, "header is not a JSON object");
    }
    return parse(file, root, bytes, fileBytes - 8 - headerBytes);
  }

  /** Where the data begin in the file. */
  long dataStart() {
    return bytes.limit();
  }

  /** All tensors as their data lie in the file. */
  List<Entry> inOrder() {
    List<Entry> ordered = new ArrayList<>(entries.values());
    ordered.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    return ordered;
  }

  private static SafetensorsHeader parse(Path file, JsonNode root, ByteBuffer bytes, long dataBytes)
      throws SafetensorsException {
    Map<String, String> metadata = Map.of();
    Map<String, Entry> entries = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      if (field.getKey().equals("__metadata__")) {
        metadata = metadata(file, field.getValue());
      } else {
        entries.put(field.getKey(), entry(file, field.getKey(), field.getValue(), dataBytes));
      }
    }
    SafetensorsHeader header =
        new SafetensorsHeader(
            bytes.asReadOnlyBuffer(), Collections.unmodifiableMap(entries), metadata);
    header.checkCoverage(file, dataBytes);
    return header;
  }

  private static Map<String, String> metadata(Path file, JsonNode node)
      throws SafetensorsException {
    if (!node.isObject()) {
      throw new SafetensorsException(file, "__metadata__ is not a JSON object");
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      if (!field.getValue().isTextual()) {
        throw new SafetensorsException(
            file, "__metadata__ entry '" + field.getKey() + "' is not a string");
      }
      metadata.put(field.getKey(), field.getValue().textValue());
    }
    return Collections.unmodifiableMap(metadata);
  }

  private static Entry entry(Path file, String name, JsonNode node, long dataBytes)
      throws SafetensorsException {
    String where = "tensor '" + name + "': ";
    String dtype = node.path("dtype").asText("");
    ElementType type =
        ElementType.ofName(dtype)
            .orElseThrow(
                () ->
                    new SafetensorsException(
                        file,
                        where
                            + "dtype '"
                            + dtype
                            + "' is not read here; expected one of "
                            + List.of(ElementType.values())));
    long[] shape = longs(file, where + "shape", node.get("shape"));
    long[] offsets = longs(file, where + "data_offsets", node.get("data_offsets"));
    if (offsets.length != 2 || offsets[0] > offsets[1] || offsets[1] > dataBytes) {
      throw new SafetensorsException(
          file,
          where
              + "data_offsets %s do not lie in order within the file's %d data bytes"
                  .formatted(java.util.Arrays.toString(offsets), dataBytes));
    }
    long expected;
    try {
      expected = Math.multiplyExact(HostTensor.elements(shape), type.bytes());
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw new SafetensorsException(
          file, where + "shape " + java.util.Arrays.toString(shape) + " is too large", e);
    }
    if (expected != offsets[1] - offsets[0]) {
      throw new SafetensorsException(
          file,
          where
              + "%s of shape %s takes %d bytes, but its data_offsets hold %d"
                  .formatted(
                      type, java.util.Arrays.toString(shape), expected, offsets[1] - offsets[0]));
    }
    return new Entry(name, type, shape, offsets[0], offsets[1]);
  }

  private static long[] longs(Path file, String what, JsonNode node) throws SafetensorsException {
    if (node == null || !node.isArray()) {
      throw new SafetensorsException(file, what + " is not an array");
    }
    long[] values = new long[node.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode value = node.get(i);
      if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
        throw new SafetensorsException(
            file, what + " holds " + value + "; expected integers from 0");
      }
      values[i] = value.longValue();
    }
    return values;
  }

  private void checkCoverage(Path file, long dataBytes) throws SafetensorsException {
    long reached = 0;
    String previous = "the header";
    for (Entry entry : inOrder()) {
      if (entry.begin() != reached) {
        throw new SafetensorsException(
            file,
            entry.begin() < reached
                ? "tensor '%s' overlaps '%s'".formatted(entry.name(), previous)
                : "a hole of %d bytes lies between %s and tensor '%s'"
                    .formatted(entry.begin() - reached, previous, entry.name()));
      }
      reached = entry.end();
      previous = entry.name();
    }
    if (reached != dataBytes) {
      throw new SafetensorsException(
          file, "%d bytes follow the last tensor".formatted(dataBytes - reached));
    }
  }

  /** Fills what remains of the buffer from the same place in the file, and flips it. */
  private static ByteBuffer readFully(Path file, FileChannel channel, ByteBuffer buffer)
      throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, buffer.position()) < 0) {
        throw new SafetensorsException(file, "was cut short while it was read");
      }
    }
    return buffer.flip();
  }
}
