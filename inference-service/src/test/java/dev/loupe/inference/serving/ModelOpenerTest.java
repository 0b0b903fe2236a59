package dev.loupe.inference.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.TinyServer;
import dev.loupe.inference.hub.HubException;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models that cannot be loaded: one sentence each, and nothing left open. */
class ModelOpenerTest {
  @TempDir Path parent;
  private Path folder;

  @BeforeEach
  void write() {
    folder = TinyServer.folder(parent);
  }

  private InferenceConfig config() {
    return InferenceConfig.of(List.of(new ModelSpec("tiny", new ModelSource.Folder(folder))));
  }

  private void unreadable(String message) {
    assertThatThrownBy(() -> InferenceServer.start(config()).close())
        .isInstanceOfSatisfying(
            LoupeException.class,
            e -> assertThat(e.reason()).isEqualTo(ErrorReason.UNREADABLE_MODEL))
        .hasMessageContaining("model tiny cannot be loaded")
        .hasMessageContaining(message);
  }

  @Test
  void missingFiles() throws Exception {
    Files.move(folder.resolve("tokenizer.json"), folder.resolve("vocab.json"));
    unreadable("no tokenizer in");
    Files.delete(folder.resolve("vocab.json"));
    TinyServer.folder(parent);
    Files.delete(folder.resolve("config.json"));
    unreadable("has no config.json");
    TinyServer.folder(parent);
    Files.delete(folder.resolve("model.safetensors"));
    unreadable("model.safetensors");
  }

  @Test
  void truncatedWeights() throws Exception {
    Path weights = folder.resolve("model.safetensors");
    byte[] whole = Files.readAllBytes(weights);
    for (int length : new int[] {0, 4, 100, whole.length / 2, whole.length - 1}) {
      Files.write(weights, Arrays.copyOf(whole, length));
      unreadable("model.safetensors");
    }
  }

  @Test
  void corruptWeights() throws Exception {
    Path weights = folder.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, 1L << 50);
    Files.write(weights, bytes);
    unreadable("model.safetensors");
  }

  @Test
  void aConfigOfAnotherFamily() throws Exception {
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\"}");
    unreadable("llama");
    Files.writeString(folder.resolve("config.json"), "not json");
    unreadable("config.json");
  }

  @Test
  void aBrokenTokenizer() throws Exception {
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    unreadable("tokenizer.json");
  }

  @Test
  void twoModelsOfOneName() {
    ModelSpec spec = new ModelSpec("tiny", new ModelSource.Folder(folder));
    assertThatThrownBy(() -> InferenceServer.start(InferenceConfig.of(List.of(spec, spec))).close())
        .isInstanceOf(LoupeException.class)
        .hasMessageContaining("an id of its own");
    assertThatThrownBy(() -> InferenceServer.start(InferenceConfig.of(List.of())).close())
        .isInstanceOf(LoupeException.class)
        .hasMessageContaining("at least one folder or hub id");
  }

  @Test
  void aPortInUse() {
    try (InferenceServer first = InferenceServer.start(config())) {
      assertThatThrownBy(
              () ->
                  InferenceServer.start(
                          config(), new dev.loupe.server.ServerOptions(first.port(), -1))
                      .close())
          .isInstanceOfSatisfying(
              LoupeException.class, e -> assertThat(e.reason()).isEqualTo(ErrorReason.PORT_IN_USE));
    }
  }

  @Test
  void specsNameTheirModel() {
    assertThat(ModelSpec.parse("small=" + folder).id()).isEqualTo("small");
    assertThat(ModelSpec.parse(folder.toString()).id()).isEqualTo("gpt2-tiny");
    assertThat(ModelSpec.parse("owner/GPT2-Large").id()).isEqualTo("gpt2-large");
    assertThatThrownBy(() -> ModelSpec.parse("nowhere")).isInstanceOf(HubException.class);
  }
}
