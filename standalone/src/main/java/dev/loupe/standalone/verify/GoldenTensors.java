package dev.loupe.standalone.verify;

import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A file of expected values: {@code tokens}, [row, pos]; {@code run/HOOK_POINT} for the weights as
 * stored, and {@code processed/HOOK_POINT} after all steps of weight processing. Logits may be
 * called {@code logits}.
 */
final class GoldenTensors implements AutoCloseable {
  static final String RUN = "run/";
  static final String PROCESSED = "processed/";

  private static final String LOGITS = "logits";
  private static final String UNEMBED_OUT = "unembed.hook_out";

  private final SafetensorsFile file;

  /**
   * Opens a file.
   *
   * @throws VerifyException when it has no tokens, or nothing to compare
   */
  GoldenTensors(Path path) throws IOException {
    file = SafetensorsFile.open(path);
    if (!file.contains("tokens") || file.shape("tokens").length != 2) {
      file.close();
      throw new VerifyException(path + " has no tensor \"tokens\" of shape [row, pos]");
    }
    if (names(RUN).isEmpty() && names(PROCESSED).isEmpty()) {
      file.close();
      throw new VerifyException(
          path + " has no tensors \"run/HOOK_POINT\" or \"processed/HOOK_POINT\"");
    }
  }

  /** The rows of token ids, all of one length. */
  List<int[]> rows() throws IOException {
    long[] flat = file.read("tokens").toLongs();
    int width = (int) file.shape("tokens")[1];
    List<int[]> rows = new ArrayList<>();
    for (int at = 0; at < flat.length; at += width) {
      rows.add(Arrays.stream(flat, at, at + width).mapToInt(Math::toIntExact).toArray());
    }
    return rows;
  }

  /** The names of a group's tensors, without the group. */
  List<String> names(String group) {
    return file.names().stream()
        .filter(name -> name.startsWith(group))
        .map(name -> name.substring(group.length()))
        .toList();
  }

  /** The hook point that a tensor belongs to. */
  static String hookPoint(String name) {
    return name.equals(LOGITS) ? UNEMBED_OUT : name;
  }

  /** A tensor's values, row-major. */
  float[] values(String name) throws IOException {
    HostTensor tensor = file.read(name);
    return tensor.toFloats();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
