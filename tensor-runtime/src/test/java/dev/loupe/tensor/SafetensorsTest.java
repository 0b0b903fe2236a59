package dev.loupe.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsTest {
  @TempDir Path folder;

  private static final String GOOD =
      "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
          + "'b':{'dtype':'I64','shape':[],'data_offsets':[8,16]}}";

  private Path write(String header, int dataBytes) throws IOException {
    return write(header.replace('\'', '"').getBytes(StandardCharsets.UTF_8), dataBytes);
  }

  private Path write(byte[] header, int dataBytes) throws IOException {
    ByteBuffer content =
        ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    content.putLong(header.length).put(header);
    return Files.write(folder.resolve("t.safetensors"), content.array());
  }

  @Test
  void writesWhatItReads() throws IOException {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    tensors.put("floats", HostTensor.ofFloats(new float[] {1.5f, -2, Float.NaN}, 3));
    tensors.put("scalar", HostTensor.ofLongs(new long[] {Long.MIN_VALUE}));
    tensors.put("empty", HostTensor.ofFloats(new float[0], 4, 0));
    tensors.put("half", HostTensor.ofFloats(new float[] {0.1f, 65504}, 1, 2).as(ElementType.F16));
    tensors.put("bfloat", HostTensor.ofFloats(new float[] {0.1f}, 1).as(ElementType.BF16));
    Path file = folder.resolve("new/out.safetensors");
    SafetensorsWriter.write(file, tensors, Map.of("made by", "a test"));
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      assertThat(read.names()).containsExactlyElementsOf(tensors.keySet());
      assertThat(read.metadata()).containsEntry("made by", "a test");
      for (String name : tensors.keySet()) {
        assertThat(read.read(name)).as(name).isEqualTo(tensors.get(name));
      }
      assertThat(read.read("half").toFloats()).containsExactly(0.099975586f, 65504);
      assertThat(read.read("bfloat").toFloats()).containsExactly(0.100097656f);
      assertThatThrownBy(() -> read.read("other")).hasMessageContaining("no tensor 'other'");
    }
    try (Stream<Path> files = Files.list(file.getParent())) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void readsTheOtherIntegerTypes() throws IOException {
    Path file =
        write(
            "{'u':{'dtype':'U8','shape':[2],'data_offsets':[0,2]},"
                + "'t':{'dtype':'BOOL','shape':[2],'data_offsets':[2,4]},"
                + "'i':{'dtype':'I32','shape':[1],'data_offsets':[4,8]},"
                + "'d':{'dtype':'F64','shape':[1],'data_offsets':[8,16]}}",
            0);
    byte[] data =
        ByteBuffer.allocate(16)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(new byte[] {(byte) 200, 1, 0, 1})
            .putInt(-7)
            .putDouble(0.25)
            .array();
    Files.write(file, data, java.nio.file.StandardOpenOption.APPEND);
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      assertThat(read.read("u").toLongs()).containsExactly(200, 1);
      assertThat(read.read("t").toFloats()).containsExactly(0, 1);
      assertThat(read.read("i").toLongs()).containsExactly(-7);
      assertThat(read.read("d").toFloats()).containsExactly(0.25f);
    }
  }

  static Stream<Arguments> damaged() {
    String entry = "{'a':{'dtype':'%s','shape':%s,'data_offsets':%s}}";
    return Stream.of(
        Arguments.of(entry.formatted("F8_E4M3", "[8]", "[0,8]"), 8, "dtype 'F8_E4M3'"),
        Arguments.of("{'a':{'shape':[2],'data_offsets':[0,8]}}", 8, "dtype ''"),
        Arguments.of(entry.formatted("F32", "[3]", "[0,8]"), 8, "takes 12 bytes"),
        Arguments.of(entry.formatted("F32", "[2]", "[0,8]"), 7, "7 data bytes"),
        Arguments.of(entry.formatted("F32", "[2]", "[0,8]"), 9, "1 bytes follow"),
        Arguments.of(entry.formatted("F32", "[2]", "[4,12]"), 12, "hole of 4 bytes"),
        Arguments.of(entry.formatted("F32", "[2]", "[8,0]"), 8, "data_offsets [8, 0]"),
        Arguments.of(entry.formatted("F32", "[2]", "[0]"), 8, "data_offsets [0]"),
        Arguments.of(entry.formatted("F32", "[-2]", "[0,8]"), 8, "expected integers from 0"),
        Arguments.of(entry.formatted("F32", "[1.5]", "[0,8]"), 8, "expected integers from 0"),
        Arguments.of(entry.formatted("F32", "2", "[0,8]"), 8, "shape is not an array"),
        Arguments.of(
            entry.formatted("F32", "[4611686018427387904,4611686018427387904]", "[0,8]"),
            8,
            "too large"),
        Arguments.of(entry.formatted("F64", "[2305843009213693952]", "[0,8]"), 8, "too large"),
        Arguments.of(
            entry.formatted("F32", "[99999999999999999999]", "[0,8]"), 8, "expected integers"),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
                + "'b':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}}",
            12,
            "'b' overlaps 'a'"),
        Arguments.of(
            "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},"
                + "'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}}",
            8,
            "Duplicate field 'a'"),
        Arguments.of("{'a':7}", 0, "dtype"),
        Arguments.of("[]", 0, "not a JSON object"),
        Arguments.of("{'a':", 0, "not JSON"),
        Arguments.of("{} {}", 0, "not JSON"),
        Arguments.of("{'__metadata__':{'x':1}}", 0, "'x' is not a string"),
        Arguments.of("{'__metadata__':[]}", 0, "__metadata__ is not"));
  }

  @ParameterizedTest
  @MethodSource("damaged")
  void namesWhatIsDamaged(String header, int dataBytes, String message) throws IOException {
    Path file = write(header, dataBytes);
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("t.safetensors")
        .hasMessageContaining(message);
  }

  @Test
  void everyTruncationIsFound() throws IOException {
    byte[] whole = Files.readAllBytes(write(GOOD, 16));
    for (int length = 0; length < whole.length; length++) {
      Path file = Files.write(folder.resolve("cut"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> SafetensorsFile.open(file))
          .as("cut to %d bytes", length)
          .isInstanceOf(SafetensorsException.class);
    }
  }

  @Test
  void badHeaderLengthsTakeNoMemory() throws IOException {
    for (long length : new long[] {0, 1, 9_999, 100_000_001, Long.MAX_VALUE, -1}) {
      byte[] content =
          ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
      Path file = Files.write(folder.resolve("length"), content);
      assertThatThrownBy(() -> SafetensorsFile.open(file))
          .isInstanceOf(SafetensorsException.class)
          .hasMessageContaining("header length is " + Long.toUnsignedString(length));
    }
  }

  @Test
  void mutatedFilesAreReadOrRefusedButNeverCrash() throws IOException {
    byte[] whole = Files.readAllBytes(write(GOOD, 16));
    Random random = new Random(5);
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] mutated = whole.clone();
      for (int change = 0; change <= random.nextInt(3); change++) {
        mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(256);
      }
      Path file = Files.write(folder.resolve("mutated"), mutated);
      try (SafetensorsFile read = SafetensorsFile.open(file)) {
        for (String name : read.names()) {
          read.read(name).toFloats();
        }
      } catch (SafetensorsException e) {
        refused++;
      }
    }
    assertThat(refused).isBetween(500, 2999);
  }

  @Test
  void tensorsBehindTwoGibibytesAreRead() throws IOException {
    long big = 3L << 30;
    String header =
        "{'big':{'dtype':'U8','shape':[%d],'data_offsets':[0,%d]},".formatted(big, big)
            + "'last':{'dtype':'F32','shape':[1],'data_offsets':[%d,%d]}}".formatted(big, big + 4);
    Path file = write(header, 0);
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.seek(sparse.length() + big);
      sparse.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(2.5f).array());
    }
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      assertThat(read.read("last").toFloats()).containsExactly(2.5f);
      assertThatThrownBy(() -> read.read("big"))
          .isInstanceOf(SafetensorsException.class)
          .hasMessageContaining("2 GiB");
    }
  }

  @Test
  void shardsAreFoundByTheirIndex() throws IOException {
    HostTensor a = HostTensor.ofFloats(new float[] {1}, 1);
    HostTensor b = HostTensor.ofFloats(new float[] {2}, 1);
    SafetensorsWriter.write(folder.resolve("one.safetensors"), Map.of("a", a), Map.of());
    SafetensorsWriter.write(folder.resolve("two.safetensors"), Map.of("b", b), Map.of());
    index("{'weight_map':{'a':'one.safetensors','b':'two.safetensors'}}");
    try (ShardedSafetensors shards = ShardedSafetensors.open(folder)) {
      assertThat(shards.names()).containsExactlyInAnyOrder("a", "b");
      assertThat(shards.read("b")).isEqualTo(b);
      assertThat(shards.shape("a")).containsExactly(1);
    }
    index("{'weight_map':{'a':'three.safetensors'}}");
    refused("'three.safetensors', which is not there");
    index("{'weight_map':{'a':'two.safetensors'}}");
    refused("'a' in 'two.safetensors', which lacks it");
    index("{'weight_map':{'a':'../one.safetensors'}}");
    refused("expected a file name");
    index("{'weight_map':[]}");
    refused("no object 'weight_map'");
    index("{");
    refused("not JSON");
    Files.delete(folder.resolve(ShardedSafetensors.INDEX));
    assertThatThrownBy(() -> ShardedSafetensors.open(folder))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("model.safetensors");
  }

  private static String sha256(Path... files) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    for (Path file : files) {
      digest.update(Files.readAllBytes(file));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private Path twoTensors() throws IOException {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    tensors.put("halves", HostTensor.ofFloats(ramp(200_003), 200_003).as(ElementType.F16));
    tensors.put("floats", HostTensor.ofFloats(ramp(200_001), 3, 66_667));
    Path file = folder.resolve("two.safetensors");
    SafetensorsWriter.write(file, tensors, Map.of());
    Files.setLastModifiedTime(file, FileTime.from(Instant.parse("2020-01-01T00:00:00Z")));
    return file;
  }

  private static float[] ramp(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = i / 16f;
    }
    return values;
  }

  private static void overwrite(Path file, long from) throws IOException {
    try (RandomAccessFile other = new RandomAccessFile(file.toFile(), "rw")) {
      byte[] noise = new byte[(int) (other.length() - from)];
      Arrays.fill(noise, (byte) 0x40);
      other.seek(from);
      other.write(noise);
    }
  }

  private static void cut(Path file) throws IOException {
    try (RandomAccessFile other = new RandomAccessFile(file.toFile(), "rw")) {
      other.setLength(100);
    }
  }

  @Test
  void whatWasReadIsItsOwnMemory() throws IOException {
    Path file = twoTensors();
    HostTensor before;
    HostTensor halves;
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      before = read.read("floats");
      halves = read.read("halves");
    }
    overwrite(file, 1_000);
    assertThat(before.toFloats()).isEqualTo(ramp(200_001));
    cut(file);
    assertThat(before.toFloats()).isEqualTo(ramp(200_001));
    assertThat(before.data().alignmentOffset(0, 64)).isZero();
    assertThat(halves.data().alignmentOffset(0, 64)).isZero();
  }

  @Test
  void readingAllGivesTheHashOfWhatWasRead() throws Exception {
    Path file = twoTensors();
    float[] halves = HostTensor.ofFloats(ramp(200_003), 200_003).as(ElementType.F16).toFloats();
    ByteBuffer floats = ByteBuffer.allocateDirect(4 * 200_001).order(ByteOrder.LITTLE_ENDIAN);
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      String hash =
          read.readAll(
              (name, tensor) -> {
                if (name.equals("floats")) {
                  tensor.readFloats(floats);
                  assertThatThrownBy(tensor::readFloats).hasMessageContaining("read once");
                } else {
                  assertThat(tensor.type()).isEqualTo(ElementType.F16);
                  assertThat(tensor.readFloats()).isEqualTo(halves);
                }
              });
      assertThat(hash).isEqualTo(sha256(file));
      assertThat(new HostTensor(ElementType.F32, new long[] {200_001}, floats).toFloats())
          .isEqualTo(ramp(200_001));
      assertThat(read.readAll((name, tensor) -> {})).isEqualTo(hash);
      read.readAll(
          (name, tensor) -> {
            if (name.equals("floats")) {
              assertThat(tensor.hasFloats(floats)).isTrue();
            }
          });
      floats.putInt(4 * 200_000, floats.getInt(4 * 200_000) ^ 1);
      read.readAll(
          (name, tensor) -> {
            if (name.equals("floats")) {
              assertThat(tensor.hasFloats(floats)).isFalse();
            } else {
              assertThatThrownBy(() -> tensor.readFloats(floats))
                  .hasMessageContaining("200003 elements");
            }
          });
      assertThat(read.floats("halves")).isEqualTo(halves);
    }
  }

  @Test
  void aFileThatIsWrittenToWhileItIsReadIsRefused() throws IOException {
    Path file = twoTensors();
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      assertThatThrownBy(() -> read.readAll((name, tensor) -> overwrite(file, 700_000)))
          .isInstanceOf(SafetensorsException.class)
          .hasMessageContaining("was written to while it was read");
    }
    Path other = twoTensors();
    try (SafetensorsFile read = SafetensorsFile.open(other)) {
      assertThatThrownBy(() -> read.readAll((name, tensor) -> cut(other)))
          .isInstanceOf(SafetensorsException.class)
          .hasMessageContaining("cut short");
    }
  }

  @Test
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "an open file cannot be replaced there")
  void aFileThatIsReplacedWhileItIsReadIsReadToItsEnd() throws Exception {
    Path file = twoTensors();
    String before = sha256(file);
    Path next = Files.write(folder.resolve("next"), new byte[3]);
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      String hash =
          read.readAll(
              (name, tensor) -> {
                if (Files.exists(next)) {
                  Files.move(next, file, StandardCopyOption.REPLACE_EXISTING);
                }
              });
      assertThat(hash).isEqualTo(before);
    }
  }

  @Test
  void shardsAreHashedInTheOrderOfTheirNames() throws Exception {
    HostTensor one = HostTensor.ofFloats(new float[] {1}, 1);
    HostTensor two = HostTensor.ofFloats(new float[] {2}, 1);
    Path a = folder.resolve("a.safetensors");
    Path b = folder.resolve("b.safetensors");
    SafetensorsWriter.write(b, Map.of("x", one), Map.of("y", "x"));
    SafetensorsWriter.write(a, Map.of("z", two, "x", two), Map.of("format", "pt"));
    index("{'weight_map':{'x':'b.safetensors','z':'a.safetensors'}}");
    Map<String, float[]> seen = new LinkedHashMap<>();
    try (ShardedSafetensors shards = ShardedSafetensors.open(folder)) {
      assertThat(shards.readAll((name, tensor) -> seen.put(name, tensor.readFloats())))
          .isEqualTo(sha256(a, b));
      assertThat(shards.metadata()).containsOnly(Map.entry("format", "pt"), Map.entry("y", "x"));
    }
    assertThat(seen).containsOnlyKeys("z", "x");
    assertThat(seen.get("x")).containsExactly(1);
  }

  private void index(String json) throws IOException {
    Files.writeString(folder.resolve(ShardedSafetensors.INDEX), json.replace('\'', '"'));
  }

  private void refused(String message) {
    assertThatThrownBy(() -> ShardedSafetensors.open(folder))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining(message);
  }
}
