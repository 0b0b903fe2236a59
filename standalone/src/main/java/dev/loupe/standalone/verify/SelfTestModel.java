package dev.loupe.standalone.verify;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The built-in subject, in a folder of its own for as long as it is open: a tiny GPT-2 with random
 * weights, and what an independent implementation computed from it in float64.
 */
final class SelfTestModel implements AutoCloseable {
  private static final String RESOURCES = "/golden/gpt2-tiny/";
  private static final String GOLDEN = "golden.safetensors";
  private static final List<String> FILES =
      List.of("config.json", "model.safetensors", "vocab.json", "merges.txt", GOLDEN);

  private final Path parent;
  private final Path folder;

  SelfTestModel() throws IOException {
    parent = Files.createTempDirectory("loupe-verify");
    folder = Files.createDirectory(parent.resolve("gpt2-tiny"));
    for (String name : List.of("config.json", "model.safetensors", GOLDEN)) {
      try (InputStream resource = SelfTestModel.class.getResourceAsStream(RESOURCES + name)) {
        Files.copy(resource, folder.resolve(name));
      }
    }
    writeTokenizer();
  }

  /** Its tokens stand for nothing; a model needs some. */
  private void writeTokenizer() throws IOException {
    ObjectMapper json = new ObjectMapper();
    int size = json.readTree(folder.resolve("config.json").toFile()).get("vocab_size").intValue();
    ObjectNode vocabulary = json.createObjectNode();
    for (int id = 0; id < size; id++) {
      vocabulary.put("t" + id, id);
    }
    Files.writeString(folder.resolve("vocab.json"), vocabulary.toString());
    Files.writeString(folder.resolve("merges.txt"), "");
  }

  /** The model's folder. */
  Path folder() {
    return folder;
  }

  /** The expected values. */
  Path golden() {
    return folder.resolve(GOLDEN);
  }

  @Override
  public void close() throws IOException {
    for (String name : FILES) {
      Files.deleteIfExists(folder.resolve(name));
    }
    Files.delete(folder);
    Files.delete(parent);
  }
}
