package dev.loupe.testkit.golden;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The golden data: what independent implementations computed in float64 from small random models
 * and dictionaries. Results in float32 are held to {@link #TOLERANCE} of each tensor's largest
 * magnitude.
 */
public final class Golden {
  /** How far a value may be from the golden one, as a share of the tensor's largest magnitude. */
  public static final double TOLERANCE = 1e-4;

  private static final String ROOT = "/golden/";

  private Golden() {}

  /** A file's bytes, by its path within the golden data, such as {@code gpt2-tiny/config.json}. */
  public static byte[] bytes(String path) {
    try (InputStream stream = Golden.class.getResourceAsStream(ROOT + path)) {
      if (stream == null) {
        throw new IllegalArgumentException("no golden file '" + path + "'");
      }
      return stream.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A safetensors file, by its path within the golden data. */
  public static GoldenFile file(String path) {
    return new GoldenFile(bytes(path));
  }

  /** What the tiny GPT-2 computes: activations, edits, gradients, scores. */
  public static GoldenFile gpt2Tiny() {
    return file("gpt2-tiny/golden.safetensors");
  }

  /** The tiny GPT-2 as a Hugging Face folder, written below a folder that the caller owns. */
  public static Path copyGpt2Tiny(Path parent) throws IOException {
    return copy(parent, "gpt2-tiny", "config.json", "model.safetensors");
  }

  /** Copies files of one golden folder below a folder that the caller owns, and says where to. */
  public static Path copy(Path parent, String folder, String... files) throws IOException {
    Path target = parent.resolve(folder);
    Files.createDirectories(target);
    for (String file : files) {
      Files.write(target.resolve(file), bytes(folder + "/" + file));
    }
    return target;
  }
}
