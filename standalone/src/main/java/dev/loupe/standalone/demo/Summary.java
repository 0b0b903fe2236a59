package dev.loupe.standalone.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.loupe.server.files.DurableFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The figures of one run as nested JSON: {@code sae.l0} becomes {@code {"sae": {"l0": ...}}}. What
 * was not measured is not written; why stands under {@code left_out}.
 */
final class Summary {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String LEFT_OUT = "left_out";

  private final ObjectNode root = JSON.createObjectNode();

  /** Writes down a measured number. */
  Summary put(String name, double value) {
    parent(name).put(last(name), value);
    return this;
  }

  /** Writes down a count. */
  Summary put(String name, long value) {
    parent(name).put(last(name), value);
    return this;
  }

  /** Writes down words. */
  Summary put(String name, String value) {
    parent(name).put(last(name), value);
    return this;
  }

  /** Says why a figure is not there. */
  Summary leftOut(String name, String reason) {
    root.withObjectProperty(LEFT_OUT).put(name, reason);
    return this;
  }

  /** The JSON text. */
  String json() {
    return root.toPrettyString() + "\n";
  }

  /**
   * Replaces the file in one move.
   *
   * @throws IOException if it cannot be written
   */
  void write(Path file) throws IOException {
    DurableFiles.write(file, json().getBytes(StandardCharsets.UTF_8));
  }

  private ObjectNode parent(String name) {
    ObjectNode node = root;
    String[] parts = name.split("\\.");
    for (int i = 0; i < parts.length - 1; i++) {
      node = node.withObjectProperty(parts[i]);
    }
    return node;
  }

  private static String last(String name) {
    return name.substring(name.lastIndexOf('.') + 1);
  }
}
