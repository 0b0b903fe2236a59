package dev.loupe.tensor;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * Writes safetensors files: the header padded with spaces so that the data starts at a multiple of
 * eight, tensors in the map's order. The same input gives the same bytes.
 */
public final class SafetensorsWriter {
  private static final ObjectMapper JSON = new ObjectMapper();

  private SafetensorsWriter() {}

  /**
   * Writes all tensors to one file. Who reads it meanwhile sees a part; {@link #write(FileChannel,
   * Map, Map)} is for files that must be whole or not there.
   *
   * @param file made anew
   * @param tensors name to tensor; iterated in order
   * @param metadata goes to {@code __metadata__}; may be empty
   */
  public static void write(Path file, Map<String, HostTensor> tensors, Map<String, String> metadata)
      throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    // Not written over: who has mapped the old file keeps it.
    Files.deleteIfExists(file);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      write(channel, tensors, metadata);
    }
  }

  /** Writes all tensors into a channel, which is at its start. */
  public static void write(
      FileChannel channel, Map<String, HostTensor> tensors, Map<String, String> metadata)
      throws IOException {
    byte[] header = header(tensors, metadata);
    ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    writeFully(channel, length.putLong(header.length).flip());
    writeFully(channel, ByteBuffer.wrap(header));
    for (HostTensor tensor : tensors.values()) {
      writeFully(channel, tensor.data());
    }
  }

  private static byte[] header(Map<String, HostTensor> tensors, Map<String, String> metadata)
      throws IOException {
    ObjectNode root = JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode node = root.putObject("__metadata__");
      metadata.forEach(node::put);
    }
    long offset = 0;
    for (Map.Entry<String, HostTensor> entry : tensors.entrySet()) {
      HostTensor tensor = entry.getValue();
      long bytes = tensor.data().remaining();
      ObjectNode node = root.putObject(entry.getKey());
      node.put("dtype", tensor.type().name());
      var shape = node.putArray("shape");
      for (long extent : tensor.shape()) {
        shape.add(extent);
      }
      node.putArray("data_offsets").add(offset).add(offset + bytes);
      offset += bytes;
    }
    byte[] json = JSON.writeValueAsBytes(root);
    byte[] padded = java.util.Arrays.copyOf(json, (json.length + 7) / 8 * 8);
    java.util.Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }

  private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
