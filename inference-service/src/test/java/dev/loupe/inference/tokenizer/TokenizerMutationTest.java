package dev.loupe.inference.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files with random damage either load or are refused in words; nothing else ever comes out. */
class TokenizerMutationTest {
  private static final int ROUNDS = 3_000;
  private static final byte[] PIECES =
      "{}[]\",:\\u0000-19e\u00ff".getBytes(StandardCharsets.ISO_8859_1);

  @TempDir Path folder;

  @Test
  void damagedJson() throws IOException {
    byte[] whole = TokenizerFixture.json(false).toString().getBytes(StandardCharsets.UTF_8);
    int refused = 0;
    SplittableRandom random = new SplittableRandom(21);
    for (int round = 0; round < ROUNDS; round++) {
      Files.write(folder.resolve("tokenizer.json"), mutated(whole, random));
      refused += loads() ? 0 : 1;
    }
    assertThat(refused).isBetween(ROUNDS / 4, ROUNDS - 1);
  }

  @Test
  void damagedMerges() throws IOException {
    TokenizerFixture.writePair(folder);
    byte[] whole = Files.readAllBytes(folder.resolve("merges.txt"));
    int refused = 0;
    SplittableRandom random = new SplittableRandom(22);
    for (int round = 0; round < ROUNDS; round++) {
      Files.write(folder.resolve("merges.txt"), mutated(whole, random));
      refused += loads() ? 0 : 1;
    }
    assertThat(refused).isBetween(ROUNDS / 4, ROUNDS - 1);
  }

  private boolean loads() {
    try {
      BpeTokenizer tokenizer = BpeTokenizer.load(folder);
      String text = "hello world 'twas";
      try {
        Encoding encoding = tokenizer.encode(text);
        assertThat(encoding.ids()).hasSameSizeAs(encoding.byteEnds());
      } catch (UnencodableTextException e) {
        assertThat(e).hasMessageContaining("no token for byte");
      }
      return true;
    } catch (TokenizerException e) {
      assertThat(e.getMessage()).isNotBlank();
      return false;
    }
  }

  private static byte[] mutated(byte[] whole, SplittableRandom random) {
    byte[] bytes = whole.clone();
    for (int i = random.nextInt(1, 4); i > 0; i--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(3)) {
        case 0 -> bytes[at] = PIECES[random.nextInt(PIECES.length)];
        case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        default -> {
          int cut = Math.min(random.nextInt(1, 20), bytes.length - at);
          byte[] shorter = Arrays.copyOf(bytes, bytes.length - cut);
          System.arraycopy(bytes, at + cut, shorter, at, bytes.length - at - cut);
          bytes = shorter.length == 0 ? new byte[] {'x'} : shorter;
        }
      }
    }
    return bytes;
  }
}
