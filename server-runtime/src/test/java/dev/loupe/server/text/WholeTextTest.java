package dev.loupe.server.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WholeTextTest {

  @ParameterizedTest
  @ValueSource(strings = {"Café in 北京 🦜", "नमस्ते", "", "\0\ufffd\uffff", "👩‍👩‍👧"})
  void putsCharactersTogetherWhereverTokensEnd(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    for (int size = 1; size <= 5; size++) {
      List<byte[]> tokens = new ArrayList<>();
      List<Integer> ends = new ArrayList<>();
      for (int from = 0; from < utf8.length; from += size) {
        int to = Math.min(utf8.length, from + size);
        tokens.add(Arrays.copyOfRange(utf8, from, to));
        ends.add(to);
      }
      assertThat(WholeText.of(tokens)).isEqualTo(new WholeText(text, ends));
    }
  }

  @Test
  void showsOneReplacementForWhatIsCutAtTheEnds() {
    byte[] china = "中".getBytes(StandardCharsets.UTF_8);
    WholeText text =
        WholeText.of(
            List.of(
                new byte[] {china[1]},
                new byte[] {china[2], 'a'},
                new byte[] {},
                new byte[] {china[0]},
                new byte[] {china[1]}));
    assertThat(text).isEqualTo(new WholeText("\ufffda\ufffd", List.of(3, 4, 4, 7, 7)));
  }

  @Test
  void tokensThatStandForNothingEndNowhere() {
    assertThat(WholeText.of(List.of(new byte[0], new byte[0])))
        .isEqualTo(new WholeText("", List.of()));
  }

  @Test
  void everyMalformedByteIsReplacedAsJavaReadsIt() {
    byte[][] malformed = {
      {(byte) 0xc0, (byte) 0x80},
      {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
      {(byte) 0xf5, (byte) 0x80, (byte) 0x80, (byte) 0x80},
      {(byte) 0xff}
    };
    for (byte[] bytes : malformed) {
      WholeText text = WholeText.of(List.of(bytes, new byte[] {'x'}));
      assertThat(text).isEqualTo(new WholeText("\ufffdx", List.of(3, 4)));
    }
  }
}
