package dev.loupe.inference.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class StrictJsonTest {
  private static void refused(byte[] json, String message) {
    assertThatThrownBy(() -> StrictJson.parse(json))
        .isInstanceOf(InvalidJsonException.class)
        .hasMessageContaining(message);
  }

  private static void refused(String json, String message) {
    refused(json.getBytes(StandardCharsets.UTF_8), message);
  }

  private static byte[] bytes(String latin1) {
    return latin1.getBytes(StandardCharsets.ISO_8859_1);
  }

  @Test
  void readsWholeCharactersHoweverTheyAreWritten() throws InvalidJsonException {
    String json = "{\"\u00e9\": \"\\ud83d\\ude00\", \"b\": \"\ud83d\ude00\"}";

    var root = StrictJson.parse(json.getBytes(StandardCharsets.UTF_8));

    assertThat(root.path("\u00e9").textValue()).isEqualTo(root.path("b").textValue());
  }

  @Test
  void refusesHalvesOfSurrogatePairsAndSaysWhere() {
    refused("{\"a\": [1, \"x\\ud800\"]}", "\\ud800, in the text at /a/1, at character 1");
    refused("{\"m\": {\"\\udc00b\": 1}}", "\\udc00, in a name in /m, at character 0");
    refused("\"\\ude00\\ud83d\"", "\\ude00, in the text at the top");
  }

  @Test
  void refusesWhatIsNotUtf8AndSaysWhere() {
    refused(bytes("{\"a\": \"\u00e9\"}"), "is not UTF-8 text: byte 0xE9 at offset 7");
    refused(bytes("\"\u00ed\u00a0\u0080\""), "byte 0xED at offset 1"); // a surrogate in three bytes
    refused(bytes("\"\u00c0\u00af\""), "byte 0xC0 at offset 1"); // a slash in two bytes
    refused(bytes("\"\u00e2\u0082"), "is not UTF-8 text: byte 0xE2 at offset 1");
    refused("{\"a\": 1}".getBytes(Charset.forName("UTF-16LE")), "is not JSON");
  }

  @Test
  void refusesWhatIsNotOneValue() {
    refused("{\"a\": 1, \"a\": 2}", "is not JSON: Duplicate field 'a'");
    refused("{} {}", "is not JSON");
    refused("{\"a\": ", "is not JSON");
  }

  @Test
  void anEmptyFileIsNoValue() {
    refused("", "is not JSON");
  }
}
