package dev.loupe.sae;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.server.ServerOptions;
import dev.loupe.testkit.golden.Golden;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine;

/** A real inference server with the golden model, whose tokenizer has a token for each byte. */
public final class TinyInference implements AutoCloseable {
  public static final String ID = "gpt2-tiny";
  public static final String MODEL = "models/" + ID;
  public static final String HOOK_POINT = "blocks.1.hook_resid_post";
  public static final int D_MODEL = 32;
  public static final int VOCABULARY = 211;
  public static final int BOS = 210;
  public static final int CONTEXT = 48;

  private final InferenceServer server;

  private TinyInference(InferenceServer server) {
    this.server = server;
  }

  /** A server on any free port. */
  public static TinyInference start(Path parent) {
    return start(parent, 0);
  }

  /** A server on this port. */
  public static TinyInference start(Path parent, int port) {
    ServerOptions options = new ServerOptions();
    new CommandLine(new Options(options))
        .parseArgs("--port", Integer.toString(port), "--drain-seconds", "0");
    ModelSpec spec = new ModelSpec(ID, new ModelSource.Folder(folder(parent)));
    return new TinyInference(
        InferenceServer.start(InferenceConfig.of(List.of(spec)).withThreads(1), options));
  }

  /**
   * A server that holds the golden model under two ids, and a model of other weights under another.
   */
  public static TinyInference startMany(Path parent, String id, String same, String other) {
    Path folder = folder(parent.resolve("one"));
    Path changed = folder(parent.resolve("two"));
    try {
      Path weights = changed.resolve("model.safetensors");
      byte[] bytes = Files.readAllBytes(weights);
      bytes[bytes.length - 4] ^= 1;
      Files.write(weights, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    List<ModelSpec> specs =
        List.of(
            new ModelSpec(id, new ModelSource.Folder(folder)),
            new ModelSpec(same, new ModelSource.Folder(folder)),
            new ModelSpec(other, new ModelSource.Folder(changed)));
    return new TinyInference(
        InferenceServer.start(InferenceConfig.of(specs).withThreads(1), new ServerOptions(0, 0)));
  }

  private record Options(@CommandLine.Mixin ServerOptions server) {}

  private static Path folder(Path parent) {
    try {
      Path folder = Golden.copyGpt2Tiny(parent);
      Files.writeString(folder.resolve("tokenizer.json"), tokenizer());
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ids 0 to 209 are letters from U+0100 on, spelled in GPT-2's way where that is defined. */
  private static String tokenizer() {
    ObjectNode root = JsonMapper.builder().build().createObjectNode();
    ObjectNode model = root.putObject("model").put("type", "BPE");
    ObjectNode vocab = model.putObject("vocab");
    int id = 0;
    for (int value = 0; value < 256 && id < BOS; value++) {
      boolean isByte = value < 192 || value >= 0xC2;
      if (isByte) {
        vocab.put(spelled(value), id++);
      }
    }
    model.putArray("merges");
    root.putObject("pre_tokenizer").put("type", "ByteLevel").put("add_prefix_space", false);
    root.putArray("added_tokens").addObject().put("id", BOS).put("content", "<|endoftext|>");
    return root.toString();
  }

  /** GPT-2's spelling of a byte: those that do not print are moved up, in order. */
  private static String spelled(int value) {
    int moved = 0;
    for (int v = 0; v < 256; v++) {
      boolean prints = (v > 32 && v < 127) || (v > 160 && v != 173);
      if (v == value) {
        return String.valueOf((char) (prints ? v : 256 + moved));
      }
      moved += prints ? 0 : 1;
    }
    throw new IllegalArgumentException("no byte " + value);
  }

  public int port() {
    return server.port();
  }

  public String target() {
    return server.target();
  }

  @Override
  public void close() {
    server.close();
  }
}
