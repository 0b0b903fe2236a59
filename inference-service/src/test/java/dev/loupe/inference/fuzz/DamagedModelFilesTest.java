package dev.loupe.inference.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.TinyServer;
import dev.loupe.inference.model.ConfigException;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.GptConfigReader;
import dev.loupe.inference.model.LoadedModel;
import dev.loupe.inference.model.ModelLoadException;
import dev.loupe.inference.model.ModelLoader;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.tokenizer.BpeTokenizer;
import dev.loupe.inference.tokenizer.TokenizerException;
import dev.loupe.inference.tokenizer.UnencodableTextException;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.SafetensorsException;
import dev.loupe.tensor.SafetensorsFile;
import dev.loupe.tensor.SafetensorsWriter;
import dev.loupe.tensor.ShardedSafetensors;
import dev.loupe.tensor.TensorSource;
import dev.loupe.testkit.golden.Golden;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every file of a model, damaged at random. */
class DamagedModelFilesTest {
  private static final int ROUNDS = 1_000;

  /**
   * What reading takes for buffers, for messages, and once in ten thousand files for the JSON
   * parser's table of field names, which grows to 6,000 of them and begins anew.
   */
  private static final long FIXED = 4 << 20;

  @TempDir Path folder;

  private byte[] safetensors() throws IOException {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    tensors.put("wte.weight", HostTensor.ofFloats(new float[6], 3, 2));
    tensors.put("h.0.bias", HostTensor.ofFloats(new float[4], 4).as(ElementType.F16));
    tensors.put("scalar", HostTensor.ofLongs(new long[] {7}));
    Path file = folder.resolve("good.safetensors");
    SafetensorsWriter.write(file, tensors, Map.of("format", "pt"));
    return Files.readAllBytes(file);
  }

  private static void readAll(TensorSource source) throws IOException {
    for (String name : source.names()) {
      HostTensor tensor = source.read(name);
      assertThat(tensor.toFloats()).hasSize((int) HostTensor.elements(source.shape(name)));
    }
    source.readAll(
        (name, tensor) ->
            assertThat(tensor.readFloats()).hasSize((int) HostTensor.elements(tensor.shape())));
  }

  @Test
  void safetensorsFiles() throws IOException {
    byte[] whole = safetensors();
    Path file = folder.resolve("t.safetensors");
    Fuzzing fuzzing =
        new Fuzzing(
            file,
            () -> {
              try (SafetensorsFile read = SafetensorsFile.open(file)) {
                readAll(read);
              }
            },
            FIXED,
            SafetensorsException.class);
    fuzzing.warmUp(whole);
    Mutator mutator = new Mutator(31);
    int rounds = Fuzzing.rounds(ROUNDS);
    int good = 0;
    for (int round = 0; round < rounds; round++) {
      byte[] damaged = round % 2 == 0 ? mutator.mutated(whole) : headerDamaged(whole, mutator);
      good += fuzzing.isRead(damaged) ? 1 : 0;
    }
    assertThat(good).isBetween(rounds / 100, rounds / 2);
  }

  /** Damage in the JSON alone, under a length that is right again, or says anything. */
  private static byte[] headerDamaged(byte[] whole, Mutator mutator) {
    int length = (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
    byte[] header = mutator.mutated(Arrays.copyOfRange(whole, 8, 8 + length));
    ByteBuffer file =
        ByteBuffer.allocate(whole.length - length + header.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(mutator.nextInt(10) == 0 ? mutator.nextLong() : header.length);
    return file.put(header).put(whole, 8 + length, whole.length - 8 - length).array();
  }

  @Test
  void shardIndexes() throws IOException {
    Files.write(folder.resolve("a.safetensors"), safetensors());
    Files.write(folder.resolve("b.safetensors"), safetensors());
    byte[] index =
        """
        {"metadata": {"total_size": 64}, "weight_map": {"wte.weight": "a.safetensors",
         "h.0.bias": "b.safetensors", "scalar": "a.safetensors"}}\
        """
            .getBytes(StandardCharsets.UTF_8);
    Path file = folder.resolve(ShardedSafetensors.INDEX);
    Fuzzing fuzzing =
        new Fuzzing(
            file,
            () -> {
              try (ShardedSafetensors read = ShardedSafetensors.open(folder)) {
                readAll(read);
              }
            },
            FIXED,
            SafetensorsException.class);
    fuzz(fuzzing, index, 32);
  }

  @Test
  void configs() throws IOException {
    byte[] config = Golden.bytes("gpt2-tiny/config.json");
    Path file = folder.resolve("config.json");
    fuzz(
        new Fuzzing(file, () -> GptConfigReader.read(file), FIXED, ConfigException.class),
        config,
        33);
  }

  /** What loads must run too: nothing that reaches native code may be out of bounds. */
  @Test
  void wholeModels() throws IOException {
    Path model = Golden.copyGpt2Tiny(folder);
    Path weights = model.resolve("model.safetensors");
    Path config = model.resolve("config.json");
    byte[] goodWeights = Files.readAllBytes(weights);
    byte[] goodConfig = Files.readAllBytes(config);
    Fuzzing.Reader reader = () -> forward(model);
    Fuzzing ofWeights =
        new Fuzzing(weights, reader, FIXED, SafetensorsException.class, ModelLoadException.class);
    Fuzzing ofConfig =
        new Fuzzing(
            config,
            reader,
            FIXED + 400L * goodWeights.length,
            ConfigException.class,
            ModelLoadException.class);
    ofWeights.warmUp(goodWeights);
    Mutator mutator = new Mutator(37);
    int rounds = Fuzzing.rounds(ROUNDS) / 10;
    int good = 0;
    for (int round = 0; round < rounds; round++) {
      boolean isWeights = round % 2 == 0;
      byte[] damaged =
          isWeights ? headerDamaged(goodWeights, mutator) : mutator.mutated(goodConfig);
      good += (isWeights ? ofWeights : ofConfig).isRead(damaged) ? 1 : 0;
      Files.write(isWeights ? weights : config, isWeights ? goodWeights : goodConfig);
    }
    assertThat(good).isBetween(rounds / 100, rounds / 2);
  }

  private static void forward(Path model) throws IOException {
    try (LoadedModel loaded = ModelLoader.load(model);
        NDManager scope = loaded.newScope()) {
      ForwardResult result =
          loaded
              .transformer()
              .forward(scope, TokenBatch.of(new int[] {1, 2}), ForwardOptions.plain());
      assertThat(NdArrays.floats(result.requireLogits()))
          .hasSize(2 * loaded.config().vocabularySize());
    }
  }

  @Test
  void tokenizerJson() throws IOException {
    Path tokenizer = TinyServer.folder(folder).resolve("tokenizer.json");
    fuzz(tokenizer(tokenizer), Files.readAllBytes(tokenizer), 34);
  }

  @Test
  void vocabularies() throws IOException {
    Path vocabulary = folder.resolve("vocab.json");
    Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\nt h\nth e\n");
    fuzz(tokenizer(vocabulary), vocabulary(), 35);
  }

  @Test
  void merges() throws IOException {
    Path merges = folder.resolve("merges.txt");
    Files.write(folder.resolve("vocab.json"), vocabulary());
    fuzz(tokenizer(merges), "#version: 0.2\nt h\nth e\n".getBytes(StandardCharsets.UTF_8), 36);
  }

  @Test
  void filesOfSpecialTokens() throws IOException {
    Files.write(folder.resolve("vocab.json"), vocabulary());
    Files.writeString(folder.resolve("merges.txt"), "t h\nth e\n");
    String token = "{\"content\": \"<p>\", \"lstrip\": true, \"special\": true}";
    Map<String, String> files =
        Map.of(
            "added_tokens.json",
            "{\"<p>\": 6, \"<q>\": 9}",
            "special_tokens_map.json",
            "{\"eos_token\": \"<e>\", \"pad_token\": %s}".formatted(token),
            "tokenizer_config.json",
            "{\"bos_token\": \"<b>\", \"added_tokens_decoder\": {\"6\": %s}}".formatted(token));
    for (Map.Entry<String, String> entry : files.entrySet()) {
      Path file = folder.resolve(entry.getKey());
      fuzz(tokenizer(file), entry.getValue().getBytes(StandardCharsets.UTF_8), 37);
      Files.delete(file);
    }
  }

  private static byte[] vocabulary() {
    return "{\"t\": 0, \"h\": 1, \"e\": 2, \"th\": 3, \"the\": 4, \"<|endoftext|>\": 5}"
        .getBytes(StandardCharsets.UTF_8);
  }

  private static Fuzzing tokenizer(Path file) {
    return new Fuzzing(
        file,
        () -> {
          BpeTokenizer tokenizer = BpeTokenizer.load(file.getParent());
          try {
            int[] ids = tokenizer.encode("the the").ids();
            assertThat(tokenizer.decode(ids)).isNotNull();
          } catch (UnencodableTextException e) {
            assertThat(e).hasMessageContaining("no token for byte");
          }
        },
        FIXED,
        TokenizerException.class);
  }

  private static void fuzz(Fuzzing fuzzing, byte[] whole, long seed) throws IOException {
    fuzzing.warmUp(whole);
    Mutator mutator = new Mutator(seed);
    int rounds = Fuzzing.rounds(ROUNDS);
    int good = 0;
    for (int round = 0; round < rounds; round++) {
      good += fuzzing.isRead(mutator.mutated(whole)) ? 1 : 0;
    }
    assertThat(good).isBetween(rounds / 1000, rounds - rounds / 4);
  }
}
