package dev.loupe.sae.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.sae.dictionary.Architecture;
import dev.loupe.sae.dictionary.Dictionary;
import dev.loupe.sae.dictionary.DictionaryWeights;
import dev.loupe.sae.dictionary.InputNormalization;
import dev.loupe.sae.dictionary.TopKDictionary;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DictionaryStoreTest {
  private static final int D_IN = 64;
  private static final int D_SAE = 512;
  @TempDir Path root;
  private DictionaryStore store;

  @BeforeEach
  void open() {
    store = new DictionaryStore(root);
  }

  /** A dictionary whose decoder bias says which one it is. */
  private DictionaryDescription save(String id, float mark) {
    float[] bias = new float[D_IN];
    bias[0] = mark;
    DictionaryWeights weights =
        new DictionaryWeights(
            new float[D_SAE * D_IN],
            new float[D_SAE],
            new float[D_SAE * D_IN],
            bias,
            true,
            InputNormalization.NONE);
    return store.save(
        id,
        new TopKDictionary(new Architecture.TopK(4, 0), weights),
        "gpt2",
        "",
        "blocks.0.hook_resid_post",
        new double[D_SAE],
        48,
        true,
        Map.of());
  }

  private float mark(String id) {
    return store.load(id).weights().decoderBias()[0];
  }

  @Test
  void weightsThatWereReplacedUnderAnIdAreUsed() throws Exception {
    save("a", 1);
    DictionaryDescription other = save("b", 2);
    assertThat(mark("a")).isEqualTo(1);
    Files.copy(
        root.resolve("b/sae_weights.safetensors"),
        root.resolve("a/sae_weights.safetensors"),
        StandardCopyOption.REPLACE_EXISTING);
    assertThat(store.describe("a").weightsSha256()).isEqualTo(other.weightsSha256());
    assertThat(mark("a")).isEqualTo(2);
  }

  @Test
  void aLoadedDictionaryIsNotItsFile() throws Exception {
    save("a", 1);
    Dictionary loaded = store.load("a");
    Path file = root.resolve("a/sae_weights.safetensors");
    try (RandomAccessFile other = new RandomAccessFile(file.toFile(), "rw")) {
      byte[] noise = new byte[(int) other.length() - 1_000];
      Arrays.fill(noise, (byte) 0x40);
      other.seek(1_000);
      other.write(noise);
      Files.setLastModifiedTime(file, FileTime.from(Instant.parse("2030-01-01T00:00:00Z")));
      assertThat(mark("a")).isEqualTo(Float.intBitsToFloat(0x40404040));
      other.setLength(20);
    }
    assertThat(loaded.weights().decoderBias()[0]).isEqualTo(1);
    assertThatThrownBy(() -> store.load("a"))
        .satisfies(
            e -> assertThat(LoupeErrors.reason(e)).contains(ErrorReason.UNREADABLE_DICTIONARY));
  }

  @Test
  void whatCfgJsonSaysNowIsUsed() throws Exception {
    save("a", 1);
    assertThat(store.load("a").architecture()).isEqualTo(new Architecture.TopK(4, 0));
    Path config = root.resolve("a/cfg.json");
    Files.writeString(config, Files.readString(config).replace("\"k\" : 4", "\"k\" : 5"));
    assertThat(store.load("a").architecture()).isEqualTo(new Architecture.TopK(5, 0));
  }

  @Test
  void anIdThatIsUsedAgainNeverGivesTheDeletedWeights() throws Exception {
    AtomicBoolean ended = new AtomicBoolean();
    ExecutorService readers = Executors.newFixedThreadPool(3);
    List<Future<?>> reading = new ArrayList<>();
    try {
      for (int i = 0; i < 3; i++) {
        reading.add(readers.submit(() -> readUntil(ended)));
      }
      for (int round = 1; round <= 60; round++) {
        save("again", round);
        assertThat(mark("again")).isEqualTo(round);
        store.delete("again");
      }
    } finally {
      ended.set(true);
      readers.shutdown();
    }
    for (Future<?> reader : reading) {
      reader.get();
    }
  }

  private void readUntil(AtomicBoolean ended) {
    while (!ended.get()) {
      try {
        mark("again");
      } catch (LoupeException e) {
        assertThat(LoupeErrors.reason(e)).contains(ErrorReason.DICTIONARY_NOT_FOUND);
      }
    }
  }

  @Test
  void foldersThatNoCallAcceptsAreProblems() throws Exception {
    save("good", 1);
    Files.move(root.resolve(save("named", 2).id()), root.resolve("Bad_Name"));
    DictionaryListing listing = store.list();
    assertThat(listing.dictionaries())
        .extracting(DictionaryDescription::id)
        .containsExactly("good");
    assertThat(listing.problems())
        .singleElement()
        .satisfies(problem -> assertThat(problem.folder()).isEqualTo("Bad_Name"))
        .satisfies(problem -> assertThat(problem.problem()).contains("lower-case"));
  }
}
