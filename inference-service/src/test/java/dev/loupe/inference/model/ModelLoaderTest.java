package dev.loupe.inference.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.SafetensorsException;
import dev.loupe.tensor.SafetensorsFile;
import dev.loupe.tensor.SafetensorsWriter;
import dev.loupe.tensor.ShardedSafetensors;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import dev.loupe.testkit.memory.ShiftedMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The forms in which GPT-2 weights are found in the wild, made from the golden model. */
class ModelLoaderTest {
  private static final int[] TOKENS = {210, 5, 99, 5, 17};

  /** How much further into the file tensors are put: unaligned, and at every place in a line. */
  private static final int[] PADS = {
    1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60
  };

  @TempDir Path folder;
  private Path original;
  private Map<String, HostTensor> weights;

  @BeforeEach
  void copyModel() throws IOException {
    original = Golden.copyGpt2Tiny(folder);
    weights = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(original.resolve("model.safetensors"))) {
      for (String name : file.names()) {
        HostTensor tensor = file.read(name);
        weights.put(name, HostTensor.ofFloats(tensor.toFloats(), tensor.shape()));
      }
    }
  }

  private Path variant(Map<String, HostTensor> tensors) throws IOException {
    return variant(tensors, Files.readString(original.resolve("config.json")));
  }

  private Path variant(Map<String, HostTensor> tensors, String config) throws IOException {
    return variant(tensors, config, Map.of());
  }

  private Path variant(Map<String, HostTensor> tensors, String config, Map<String, String> metadata)
      throws IOException {
    Path variant = Files.createTempDirectory(folder, "variant");
    Files.writeString(variant.resolve("config.json"), config);
    SafetensorsWriter.write(variant.resolve("model.safetensors"), tensors, metadata);
    return variant;
  }

  private static float[] logits(Path model) throws IOException {
    return logits(model, Optional.empty());
  }

  private static float[] logits(Path model, Optional<WeightTransform> transform)
      throws IOException {
    try (LoadedModel loaded =
            ModelLoader.load(model, transform, ComputeType.F32, LoadListener.NONE);
        NDManager scope = loaded.newScope()) {
      return NdArrays.floats(
          loaded
              .transformer()
              .forward(scope, TokenBatch.of(TOKENS), ForwardOptions.plain())
              .requireLogits());
    }
  }

  private static double[] wide(float[] values) {
    double[] wide = new double[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  private static void assertClose(float[] actual, float[] expected, double tolerance) {
    GoldenAssert.assertClose("logits", actual, wide(expected), tolerance);
  }

  @Test
  void prefixedNamesAndMaskBuffers() throws IOException {
    Map<String, HostTensor> prefixed = new LinkedHashMap<>();
    weights.forEach((name, tensor) -> prefixed.put("transformer." + name, tensor));
    for (int layer = 0; layer < 3; layer++) {
      String attention = "transformer.h." + layer + ".attn.";
      prefixed.put(attention + "bias", HostTensor.ofFloats(new float[48 * 48], 1, 1, 48, 48));
      prefixed.put(attention + "masked_bias", HostTensor.ofFloats(new float[] {-1e4f}));
    }
    prefixed.put("lm_head.weight", weights.get("wte.weight"));
    assertThat(logits(variant(prefixed))).isEqualTo(logits(original));
  }

  @Test
  void untiedHead() throws IOException {
    float[] doubled = weights.get("wte.weight").toFloats();
    for (int i = 0; i < doubled.length; i++) {
      doubled[i] *= -2;
    }
    Map<String, HostTensor> untied = new LinkedHashMap<>(weights);
    untied.put("lm_head.weight", HostTensor.ofFloats(doubled, 211, 32));
    String config =
        Files.readString(original.resolve("config.json"))
            .replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
    float[] expected = logits(original);
    for (int i = 0; i < expected.length; i++) {
      expected[i] *= -2;
    }
    assertClose(logits(variant(untied, config)), expected, 1e-6);
    Path headless = variant(weights, config);
    assertThatThrownBy(() -> ModelLoader.load(headless))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("'lm_head.weight'")
        .hasMessageContaining("[211, 32]");
  }

  @Test
  void sixteenBitWeightsAreTheRoundedOnes() throws IOException {
    for (ElementType type : new ElementType[] {ElementType.F16, ElementType.BF16}) {
      Map<String, HostTensor> narrow = new LinkedHashMap<>();
      Map<String, HostTensor> rounded = new LinkedHashMap<>();
      for (Map.Entry<String, HostTensor> entry : weights.entrySet()) {
        HostTensor tensor = entry.getValue().as(type);
        narrow.put(entry.getKey(), tensor);
        rounded.put(entry.getKey(), HostTensor.ofFloats(tensor.toFloats(), tensor.shape()));
      }
      float[] actual = logits(variant(narrow));
      assertThat(actual).isEqualTo(logits(variant(rounded)));
      assertClose(actual, logits(original), type == ElementType.F16 ? 5e-3 : 5e-2);
    }
  }

  @Test
  void shards() throws IOException {
    Path sharded = Files.createTempDirectory(folder, "shards");
    Files.copy(original.resolve("config.json"), sharded.resolve("config.json"));
    Map<String, HostTensor> first = new LinkedHashMap<>();
    Map<String, HostTensor> second = new LinkedHashMap<>();
    StringBuilder index = new StringBuilder("{\"metadata\": {}, \"weight_map\": {");
    for (Map.Entry<String, HostTensor> entry : weights.entrySet()) {
      boolean isFirst = entry.getKey().hashCode() % 2 == 0;
      (isFirst ? first : second).put(entry.getKey(), entry.getValue());
      index
          .append(index.charAt(index.length() - 1) == '{' ? "" : ",")
          .append(
              "\"%s\": \"%s\""
                  .formatted(entry.getKey(), isFirst ? "a.safetensors" : "b.safetensors"));
    }
    SafetensorsWriter.write(sharded.resolve("a.safetensors"), first, Map.of());
    SafetensorsWriter.write(sharded.resolve("b.safetensors"), second, Map.of());
    Files.writeString(sharded.resolve(ShardedSafetensors.INDEX), index + "}}");
    assertThat(logits(sharded)).isEqualTo(logits(original));
    assertThat(first).isNotEmpty();
    assertThat(second).isNotEmpty();
  }

  @Test
  void anUnalignedFileIsReadAllTheSame() throws IOException {
    byte[] whole = Files.readAllBytes(original.resolve("model.safetensors"));
    var buffer = java.nio.ByteBuffer.wrap(whole).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    int header = (int) buffer.getLong(0);
    for (int pad : PADS) {
      byte[] padded = new byte[whole.length + pad];
      System.arraycopy(whole, 0, padded, 0, 8 + header);
      Arrays.fill(padded, 8 + header, 8 + header + pad, (byte) ' ');
      System.arraycopy(whole, 8 + header, padded, 8 + header + pad, whole.length - 8 - header);
      java.nio.ByteBuffer.wrap(padded)
          .order(java.nio.ByteOrder.LITTLE_ENDIAN)
          .putLong(0, header + pad);
      Path shifted = Files.createTempDirectory(folder, "shifted");
      Files.copy(original.resolve("config.json"), shifted.resolve("config.json"));
      Files.write(shifted.resolve("model.safetensors"), padded);
      assertThat(logits(shifted)).as("%d bytes further", pad).isEqualTo(logits(original));
      try (LoadedModel loaded = ModelLoader.load(shifted)) {
        ModelWeights read = loaded.transformer().weights();
        assertThat(distance(read.tokenEmbedding())).isZero();
        assertThat(distance(read.positionEmbedding())).isZero();
        for (BlockWeights block : read.blocks()) {
          assertThat(distance(block.ln1().weight())).isZero();
          assertThat(distance(block.mlpIn().bias())).isZero();
        }
      }
    }
  }

  private static int distance(NDArray array) {
    return ShiftedMemory.distanceOf(array.toByteBuffer(true));
  }

  @Test
  void doublesAreRounded() throws IOException {
    Map<String, HostTensor> wide = new LinkedHashMap<>();
    weights.forEach((name, tensor) -> wide.put(name, tensor.as(ElementType.F64)));
    assertThat(logits(variant(wide))).isEqualTo(logits(original));
  }

  @Test
  void aHeadThatIsNotTheEmbeddingNeedsAConfigThatSaysSo() throws IOException {
    float[] changed = weights.get("wte.weight").toFloats();
    changed[5] += 1;
    Map<String, HostTensor> tensors = new LinkedHashMap<>(weights);
    tensors.put("lm_head.weight", HostTensor.ofFloats(changed, 211, 32));
    Path model = variant(tensors);
    assertThatThrownBy(() -> ModelLoader.load(model))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("tie_word_embeddings is true")
        .hasMessageContaining("'lm_head.weight'");
  }

  /** What safetensors.torch.save_model makes of tied embeddings. */
  @Test
  void anEmbeddingThatIsStoredAsTheHead() throws IOException {
    Map<String, HostTensor> prefixed = new LinkedHashMap<>();
    prefixed.put("lm_head.weight", weights.get("wte.weight"));
    weights.forEach((name, tensor) -> prefixed.put("transformer." + name, tensor));
    prefixed.remove("transformer.wte.weight");
    Map<String, String> alias = Map.of("transformer.wte.weight", "lm_head.weight");
    String config = Files.readString(original.resolve("config.json"));
    assertThat(logits(variant(prefixed, config, alias))).isEqualTo(logits(original));
    assertThat(logits(variant(prefixed, config, Map.of())))
        .as("the config says that the two are one")
        .isEqualTo(logits(original));
    String untied =
        config.replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false");
    assertThat(logits(variant(prefixed, untied, alias))).isEqualTo(logits(original));
    Path without = variant(prefixed, untied);
    assertThatThrownBy(() -> ModelLoader.load(without))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("no tensor 'transformer.wte.weight'");
  }

  @Test
  void weightsThatShareMemoryAreChangedOnce() throws IOException {
    Map<String, HostTensor> shared = new LinkedHashMap<>(weights);
    shared.remove("h.1.ln_2.weight");
    Map<String, HostTensor> whole = new LinkedHashMap<>(weights);
    whole.put("h.1.ln_2.weight", weights.get("h.0.ln_1.weight"));
    String config = Files.readString(original.resolve("config.json"));
    Map<String, String> alias = Map.of("h.1.ln_2.weight", "h.0.ln_1.weight");
    Path aliased = variant(shared, config, alias);
    assertThat(logits(aliased)).isEqualTo(logits(variant(whole)));
    WeightTransform change =
        new WeightTransform() {
          @Override
          public void block(BlockWeights block) {
            block.ln1().weight().muli(2);
            block.ln2().weight().muli(3);
          }

          @Override
          public void ends(ModelWeights ends) {
            ends.tokenEmbedding().muli(2);
            ends.unembedding().muli(0.5f);
          }
        };
    assertThat(logits(aliased, Optional.of(change)))
        .isEqualTo(logits(variant(whole), Optional.of(change)));
  }

  @Test
  void tensorsThatAreNoPartOfTheModelAreNamed() throws IOException {
    for (String name : new String[] {"h.3.ln_1.weight", "h.0.crossattention.c_attn.weight"}) {
      Map<String, HostTensor> tensors = new LinkedHashMap<>(weights);
      tensors.put(name, HostTensor.ofFloats(new float[2], 2));
      Path model = variant(tensors);
      assertThatThrownBy(() -> ModelLoader.load(model))
          .isInstanceOf(ModelLoadException.class)
          .hasMessageContaining(name);
    }
    Map<String, HostTensor> withTaskHead = new LinkedHashMap<>(weights);
    withTaskHead.put("score.weight", HostTensor.ofFloats(new float[2], 2));
    assertThat(logits(variant(withTaskHead))).isEqualTo(logits(original));
  }

  @Test
  void theListenerSeesEveryByteAndMayEndTheLoading() throws IOException {
    List<Long> done = new ArrayList<>();
    GptConfig config = ModelLoader.config(original);
    long total = ModelLoader.weightBytes(config, false, ComputeType.F32);
    ModelLoader.load(
            original,
            Optional.empty(),
            ComputeType.F32,
            (bytes, all) -> {
              done.add(bytes);
              assertThat(all).isEqualTo(total);
            })
        .close();
    assertThat(done).isSorted().hasSize(40).endsWith(total);
    assertThatThrownBy(
            () ->
                ModelLoader.load(
                    original,
                    Optional.empty(),
                    ComputeType.F32,
                    (bytes, all) -> {
                      throw new IllegalStateException("enough");
                    }))
        .hasMessage("enough");
  }

  @Test
  void aConfigThatAsksForAttentionInFloat32ExcludesNarrowerTypes() throws IOException {
    String config = Files.readString(original.resolve("config.json")).strip();
    Path model =
        variant(
            weights,
            config.substring(0, config.length() - 1) + ", \"reorder_and_upcast_attn\": true}");
    assertThat(logits(model)).isEqualTo(logits(original));
    assertThatThrownBy(
            () -> ModelLoader.load(model, Optional.empty(), ComputeType.BF16, LoadListener.NONE))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("reorder_and_upcast_attn")
        .hasMessageContaining("expected F32");
  }

  @Test
  void missingAndMisshapenTensorsAreNamed() throws IOException {
    Map<String, HostTensor> missing = new LinkedHashMap<>(weights);
    missing.remove("h.1.mlp.c_fc.bias");
    Path without = variant(missing);
    assertThatThrownBy(() -> ModelLoader.load(without))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("'h.1.mlp.c_fc.bias'")
        .hasMessageContaining("[128]");
    Map<String, HostTensor> misshapen = new LinkedHashMap<>(weights);
    misshapen.put("ln_f.bias", HostTensor.ofFloats(new float[31], 31));
    Path with = variant(misshapen);
    assertThatThrownBy(() -> ModelLoader.load(with))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("'ln_f.bias' has shape [31]")
        .hasMessageContaining("[32]");
    Map<String, HostTensor> integers = new LinkedHashMap<>(weights);
    integers.put("ln_f.bias", HostTensor.ofLongs(new long[32], 32));
    Path whole = variant(integers);
    assertThatThrownBy(() -> ModelLoader.load(whole))
        .isInstanceOf(ModelLoadException.class)
        .hasMessageContaining("holds I64");
  }

  @Test
  void damagedAndMissingFilesAreNamed() throws IOException {
    byte[] whole = Files.readAllBytes(original.resolve("model.safetensors"));
    Files.write(original.resolve("model.safetensors"), Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> ModelLoader.load(original))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("model.safetensors");
    Files.delete(original.resolve("model.safetensors"));
    assertThatThrownBy(() -> ModelLoader.load(original)).isInstanceOf(NoSuchFileException.class);
    Files.delete(original.resolve("config.json"));
    assertThatThrownBy(() -> ModelLoader.load(original))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("config.json");
  }
}
