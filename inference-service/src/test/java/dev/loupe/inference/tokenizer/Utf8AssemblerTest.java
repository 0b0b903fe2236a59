package dev.loupe.inference.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class Utf8AssemblerTest {
  @Test
  void waitsForTheWholeCharacter() {
    Utf8Assembler assembler = new Utf8Assembler();
    byte[] face = "\ud83d\ude00".getBytes(StandardCharsets.UTF_8);

    assertThat(assembler.push(new byte[] {'a', face[0]})).isEqualTo("a");
    assertThat(assembler.push(new byte[] {face[1], face[2]})).isEmpty();
    assertThat(assembler.push(new byte[] {face[3], 'b'})).isEqualTo("\ud83d\ude00b");
    assertThat(assembler.finish()).isEmpty();
  }

  @Test
  void whatNeverBecomesACharacterComesAtTheEnd() {
    Utf8Assembler assembler = new Utf8Assembler();

    assertThat(assembler.push(new byte[] {'a', (byte) 0xE2, (byte) 0x82})).isEqualTo("a");
    assertThat(assembler.finish()).isEqualTo("\ufffd");
    assertThat(assembler.push(new byte[] {'b'})).isEqualTo("b");
  }

  @Test
  void whatCanNoLongerBecomeACharacterComesAtOnce() {
    Utf8Assembler assembler = new Utf8Assembler();

    assertThat(assembler.push(new byte[] {(byte) 0xE2, 'x'})).isEqualTo("\ufffdx");
    assertThat(assembler.push(new byte[] {(byte) 0xFF})).isEqualTo("\ufffd");
  }

  @Test
  void anyCutGivesTheSameText() {
    byte[] bytes = "na\u00efve \u4e2d\u6587 \ud83d\udc4d".getBytes(StandardCharsets.UTF_8);
    for (int size = 1; size <= bytes.length; size++) {
      Utf8Assembler assembler = new Utf8Assembler();
      StringBuilder text = new StringBuilder();
      for (int at = 0; at < bytes.length; at += size) {
        int end = Math.min(bytes.length, at + size);
        text.append(assembler.push(java.util.Arrays.copyOfRange(bytes, at, end)));
      }
      assertThat(text.append(assembler.finish()).toString())
          .isEqualTo(new String(bytes, StandardCharsets.UTF_8));
    }
  }
}
