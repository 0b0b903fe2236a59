package dev.loupe.inference;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.PatchingServiceGrpc;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.server.Channels;
import dev.loupe.server.ServerOptions;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenFile;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** A real server with the golden model and a tokenizer of as many tokens, and a channel to it. */
public final class TinyServer implements AutoCloseable {
  /** The model's resource name. */
  public static final String MODEL = "models/gpt2-tiny";

  /** The end and beginning of text. */
  public static final int BOS = 210;

  private final InferenceServer server;
  private final ManagedChannel channel;
  private final GoldenFile golden = Golden.gpt2Tiny();

  /** With the default bounds. */
  public TinyServer(Path parent) {
    this(parent, config -> config);
  }

  /** With other bounds. */
  public TinyServer(Path parent, UnaryOperator<InferenceConfig> change) {
    ModelSpec spec = new ModelSpec("gpt2-tiny", new ModelSource.Folder(folder(parent)));
    server =
        InferenceServer.start(
            change.apply(InferenceConfig.of(List.of(spec)).withThreads(1)),
            new ServerOptions(0, 0));
    channel = Channels.plaintext(server.target());
  }

  /** Writes the model's folder. */
  public static Path folder(Path parent) {
    try {
      Path folder = Golden.copyGpt2Tiny(parent);
      Files.writeString(folder.resolve("tokenizer.json"), tokenizer().toString());
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * ASCII bytes and continuation bytes have their own value as id, 192 to 209 are the lead bytes
   * from 0xC2 on, and three tokens that hardly occur in texts gave their ids to three merges.
   */
  private static ObjectNode tokenizer() {
    ObjectNode root = JsonMapper.builder().build().createObjectNode();
    ObjectNode model = root.putObject("model").put("type", "BPE");
    ObjectNode vocab = model.putObject("vocab");
    for (int id = 0; id < BOS; id++) {
      int value = id < 192 ? id : id - 192 + 0xC2;
      String token =
          switch (id) {
            case 1 -> "th";
            case 2 -> "the";
            case 3 -> "\u0120the";
            default -> spelled(value);
          };
      vocab.put(token, id);
    }
    model.putArray("merges").add("t h").add("th e").add("\u0120 the");
    root.putObject("pre_tokenizer").put("type", "ByteLevel").put("add_prefix_space", false);
    root.putArray("added_tokens").addObject().put("id", BOS).put("content", "<|endoftext|>");
    return root;
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

  /** The server. */
  public InferenceServer server() {
    return server;
  }

  /** A stub that waits. */
  public InferenceServiceGrpc.InferenceServiceBlockingStub stub() {
    return InferenceServiceGrpc.newBlockingStub(channel);
  }

  /** A stub of {@code AttributionService} that waits. */
  public AttributionServiceGrpc.AttributionServiceBlockingStub attribution() {
    return AttributionServiceGrpc.newBlockingStub(channel);
  }

  /** A stub of {@code PatchingService} that waits. */
  public PatchingServiceGrpc.PatchingServiceBlockingStub patching() {
    return PatchingServiceGrpc.newBlockingStub(channel);
  }

  /** A stub of {@code HeadService} that waits. */
  public HeadServiceGrpc.HeadServiceBlockingStub heads() {
    return HeadServiceGrpc.newBlockingStub(channel);
  }

  /** A stub of {@code NeuronService} that waits. */
  public NeuronServiceGrpc.NeuronServiceBlockingStub neurons() {
    return NeuronServiceGrpc.newBlockingStub(channel);
  }

  /** A stub that calls back. */
  public InferenceServiceGrpc.InferenceServiceStub async() {
    return InferenceServiceGrpc.newStub(channel);
  }

  /** A stub for neurons that calls back. */
  public NeuronServiceGrpc.NeuronServiceStub asyncNeurons() {
    return NeuronServiceGrpc.newStub(channel);
  }

  /** The golden values. */
  public GoldenFile golden() {
    return golden;
  }

  /** The golden rows of tokens. */
  public List<int[]> rows() {
    int[] flat = golden.tensor("tokens").ints();
    int width = (int) golden.tensor("tokens").shape()[1];
    List<int[]> rows = new ArrayList<>();
    for (int at = 0; at < flat.length; at += width) {
      rows.add(Arrays.copyOfRange(flat, at, at + width));
    }
    return rows;
  }

  /** The golden rows as prompts. */
  public List<Prompt> prompts() {
    return rows().stream().map(TinyServer::prompt).toList();
  }

  /** A row as a message. */
  public static TokenRow row(int... ids) {
    TokenRow.Builder row = TokenRow.newBuilder();
    Arrays.stream(ids).forEach(row::addIds);
    return row.build();
  }

  /** A row as a prompt. */
  public static Prompt prompt(int... ids) {
    return Prompt.newBuilder().setTokens(row(ids)).build();
  }

  /** A text as a prompt. */
  public static Prompt prompt(String text) {
    return Prompt.newBuilder().setText(text).build();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.close();
  }
}
