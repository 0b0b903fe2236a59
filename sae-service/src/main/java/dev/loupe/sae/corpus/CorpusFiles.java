package dev.loupe.sae.corpus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;

/**
 * The files of a corpus folder, format 1.
 *
 * <ul>
 *   <li>{@code tokens.bin}: all rows' ids one after another, 32-bit little-endian;
 *   <li>{@code offsets.bin}: where each row starts in it, counted in ids, and after the last row
 *       the number of all ids, 64-bit little-endian;
 *   <li>{@code corpus.json}: the description.
 * </ul>
 */
final class CorpusFiles {
  static final String TOKENS = "tokens.bin";
  static final String OFFSETS = "offsets.bin";
  private static final String DESCRIPTION = "corpus.json";
  private static final int FORMAT = 1;
  private static final ObjectMapper JSON = new ObjectMapper();

  private CorpusFiles() {}

  static void writeDescription(Path folder, CorpusDescription corpus) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("format", FORMAT);
    root.put("model", corpus.model());
    root.put("model_sha256", corpus.modelSha256());
    root.put("rows", corpus.rows());
    root.put("tokens", corpus.tokens());
    root.put("longest_row", corpus.longestRow());
    root.put("sha256", corpus.sha256());
    root.put("create_time", corpus.created().toString());
    Files.write(
        folder.resolve(DESCRIPTION), JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(root));
  }

  static CorpusDescription readDescription(Path folder, String id) throws IOException {
    JsonNode root = JSON.readTree(Files.readAllBytes(folder.resolve(DESCRIPTION)));
    if (root.path("format").asInt() != FORMAT) {
      throw new IOException("corpus.json of " + id + " has format " + root.path("format"));
    }
    try {
      CorpusDescription corpus =
          new CorpusDescription(
              id,
              root.path("model").asText(),
              root.path("model_sha256").asText(""),
              root.path("rows").asLong(),
              root.path("tokens").asLong(),
              root.path("longest_row").asInt(),
              root.path("sha256").asText(),
              Instant.parse(root.path("create_time").asText()));
      requireSize(folder.resolve(TOKENS), corpus.tokens() * Integer.BYTES);
      requireSize(folder.resolve(OFFSETS), (corpus.rows() + 1) * Long.BYTES);
      return corpus;
    } catch (DateTimeException e) {
      throw new IOException("corpus.json of " + id + " has no create_time", e);
    }
  }

  static void writeOffsets(Path folder, long[] offsets, int count) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(count, Long.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(offsets, 0, count);
    Files.write(folder.resolve(OFFSETS), bytes.array());
  }

  static long[] readOffsets(Path folder, long rows) throws IOException {
    long[] offsets = new long[Math.toIntExact(rows + 1)];
    ByteBuffer.wrap(Files.readAllBytes(folder.resolve(OFFSETS)))
        .order(ByteOrder.LITTLE_ENDIAN)
        .asLongBuffer()
        .get(offsets);
    return offsets;
  }

  private static void requireSize(Path file, long bytes) throws IOException {
    if (Files.size(file) != bytes) {
      throw new IOException(
          file.getFileName() + " has " + Files.size(file) + " bytes; expected " + bytes);
    }
  }
}
