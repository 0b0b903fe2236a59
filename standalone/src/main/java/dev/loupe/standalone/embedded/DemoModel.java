package dev.loupe.standalone.embedded;

import dev.loupe.server.files.DurableFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** The model that ships with Loupe. */
final class DemoModel {
  /** The name of its folder, and so of the model. */
  static final String NAME = "loupe-demo";

  private static final String RESOURCES = "/dev/loupe/standalone/demo-model/";
  private static final List<String> FILES =
      List.of("config.json", "model.safetensors", "tokenizer.json", "README.md");

  private DemoModel() {}

  /**
   * Writes the model's files into a folder, those that are not there as they should be.
   *
   * @return the model's folder
   * @throws StartException if they cannot be written
   */
  static Path unpack(Path models) {
    Path folder = models.resolve(NAME);
    try {
      for (String name : FILES) {
        byte[] content = read(name);
        Path file = folder.resolve(name);
        if (!Files.exists(file) || !Arrays.equals(Files.readAllBytes(file), content)) {
          DurableFiles.write(file, content);
        }
      }
    } catch (IOException e) {
      throw new StartException("the demo model cannot be unpacked into " + folder + ": " + e, e);
    }
    return folder;
  }

  private static byte[] read(String name) throws IOException {
    try (InputStream resource = DemoModel.class.getResourceAsStream(RESOURCES + name)) {
      if (resource == null) {
        throw new IOException("this build holds no " + RESOURCES + name);
      }
      return resource.readAllBytes();
    }
  }
}
