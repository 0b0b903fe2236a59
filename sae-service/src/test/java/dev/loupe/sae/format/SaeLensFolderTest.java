package dev.loupe.sae.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.dictionary.FloatRows;
import dev.loupe.sae.dictionary.GoldenDictionaries;
import dev.loupe.sae.dictionary.Reconstruction;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.testkit.golden.Golden;
import dev.loupe.testkit.golden.GoldenAssert;
import dev.loupe.testkit.golden.GoldenFile;
import dev.loupe.testkit.golden.GoldenTensor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SaeLensFolderTest {
  @TempDir Path root;

  /** What SAELens 6.54 computes: within 1e-4 of each tensor's largest magnitude. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "standard",
        "standard_no_b_dec",
        "standard_layer_norm",
        "standard_constant_norm_rescale",
        "standard_hook_z",
        "topk"
      })
  void agreesWithSaeLens(String name) throws Exception {
    Dictionary dictionary = SaeLensFolder.read(golden(name));
    GoldenFile expected = Golden.file("saelens/" + name + "/expected.safetensors");
    GoldenTensor x = expected.tensor("x");
    int dIn = dictionary.dIn();
    FloatRows rows = new FloatRows(x.floats(), x.values().length / dIn, dIn);
    Reconstruction actual = dictionary.reconstruct(rows);
    GoldenAssert.assertClose(
        "features",
        actual.features().dense(dictionary.dSae()).values(),
        expected.tensor("features"));
    GoldenAssert.assertClose(
        "reconstruction", actual.values().values(), expected.tensor("reconstruction"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gated", "jumprelu", "transcoder", "skip_transcoder", "jumprelu_transcoder"})
  void refusesOtherArchitecturesByName(String name) throws IOException {
    Path folder = golden(name);
    assertThatThrownBy(() -> SaeLensFolder.read(folder))
        .isInstanceOf(UnreadableDictionaryException.class)
        .hasMessageContaining("'" + name + "'")
        .hasMessageContaining("standard and topk");
  }

  @Test
  void readsWhatItWrites() throws Exception {
    DictionaryStore store = new DictionaryStore(root.resolve("store"));
    Dictionary dictionary = GoldenDictionaries.topK();
    double[] densities = new double[96];
    densities[3] = 0.5;
    DictionaryDescription saved =
        store.save(
            "mine",
            dictionary,
            "gpt2-tiny",
            "",
            "blocks.0.hook_resid_post",
            densities,
            48,
            true,
            Map.of());
    assertThat(saved.architecture()).isEqualTo(dictionary.architecture());
    assertThat(saved.model()).isEqualTo("gpt2-tiny");
    assertThat(saved.hookPoint()).isEqualTo("blocks.0.hook_resid_post");
    assertThat(new DictionaryStore(root.resolve("store")).list().dictionaries())
        .containsExactly(saved);
    FloatRows x = GoldenDictionaries.rows("x");
    assertThat(store.load("mine").encode(x)).isEqualTo(dictionary.encode(x));
    GoldenTensor sparsity =
        new GoldenFile(Files.readAllBytes(root.resolve("store/mine/sparsity.safetensors")))
            .tensor("sparsity");
    assertThat(sparsity.floats()[0]).isEqualTo(-10f);
    assertThat(sparsity.floats()[3]).isEqualTo((float) Math.log10(0.5));
  }

  @ParameterizedTest
  @CsvSource({
    "truncated, sae_weights.safetensors",
    "garbage, sae_weights.safetensors",
    "missing weights, sae_weights.safetensors is missing",
    "missing cfg, cfg.json is missing",
    "cfg no json, cfg.json is no JSON",
    "cfg without d_in, d_in missing",
    "wrong shape, W_enc has shape",
    "not finite, b_dec holds NaN",
    "integers, b_dec holds I32"
  })
  void oneDamagedFolderLeavesTheOthersAlone(String damage, String said) throws Exception {
    Path folder = golden("standard");
    Path target = root.resolve("store/bad");
    copy(golden("topk"), root.resolve("store/good"));
    copy(folder, target);
    damage(damage, target);
    DictionaryStore store = new DictionaryStore(root.resolve("store"));
    assertThat(store.list().dictionaries())
        .extracting(DictionaryDescription::id)
        .containsExactly("good");
    assertThat(store.list().problems())
        .singleElement()
        .satisfies(problem -> assertThat(problem.folder()).isEqualTo("bad"))
        .satisfies(problem -> assertThat(problem.problem()).contains(said));
    assertThatThrownBy(() -> store.describe("bad"))
        .satisfies(
            e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.UNREADABLE_DICTIONARY));
    assertThatThrownBy(() -> store.load("bad"))
        .hasMessageContaining("dictionaries/bad")
        .hasMessageContaining(said)
        .satisfies(
            e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.UNREADABLE_DICTIONARY));
    store.delete("bad");
    assertThat(store.exists("bad")).isFalse();
  }

  private static void damage(String damage, Path folder) throws IOException {
    Path weights = folder.resolve("sae_weights.safetensors");
    Path config = folder.resolve("cfg.json");
    byte[] bytes = Files.readAllBytes(weights);
    switch (damage) {
      case "truncated" -> Files.write(weights, Arrays.copyOf(bytes, bytes.length - 100));
      case "garbage" ->
          Files.write(weights, "not a tensor at all".getBytes(StandardCharsets.UTF_8));
      case "missing weights" -> Files.delete(weights);
      case "missing cfg" -> Files.delete(config);
      case "cfg no json" -> Files.writeString(config, "{");
      case "cfg without d_in" -> replace(config, "\"d_in\"", "\"d_im\"");
      case "wrong shape" -> replace(config, "\"d_sae\": 96", "\"d_sae\": 95");
      case "not finite" -> {
        // Tensors are stored in order of their names after the header, so b_dec's last element is
        // found by its golden value.
        GoldenFile file = new GoldenFile(bytes);
        int at = indexOf(bytes, (float) file.tensor("b_dec").values()[31]);
        int nan = Float.floatToIntBits(Float.NaN);
        for (int i = 0; i < 4; i++) {
          bytes[at + i] = (byte) (nan >>> (8 * i));
        }
        Files.write(weights, bytes);
      }
      case "integers" -> {
        // The header names b_dec's type first of all; what follows it is as long as before.
        String header = new String(bytes, StandardCharsets.ISO_8859_1);
        int at = header.indexOf("\"dtype\":\"F32\"", header.indexOf("\"b_dec\""));
        bytes[at + "\"dtype\":\"".length()] = 'I';
        Files.write(weights, bytes);
      }
      default -> throw new IllegalArgumentException(damage);
    }
  }

  private static int indexOf(byte[] bytes, float value) {
    int bits = Float.floatToIntBits(value);
    for (int at = bytes.length - 4; at >= 0; at--) {
      int found = 0;
      for (int i = 3; i >= 0; i--) {
        found = (found << 8) | (bytes[at + i] & 0xff);
      }
      if (found == bits) {
        return at;
      }
    }
    throw new IllegalStateException("no " + value);
  }

  private static void replace(Path file, String from, String to) throws IOException {
    String text = Files.readString(file);
    assertThat(text).contains(from);
    Files.writeString(file, text.replace(from, to));
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    for (String file : new String[] {"cfg.json", "sae_weights.safetensors"}) {
      Files.copy(from.resolve(file), to.resolve(file));
    }
  }

  private Path golden(String name) throws IOException {
    return Golden.copy(
        root.resolve("golden"), "saelens/" + name, "cfg.json", "sae_weights.safetensors");
  }
}
