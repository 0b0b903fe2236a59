package dev.loupe.inference.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.model.ConfigException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The table is what transformers 5.24 stops after, from the same files; its own default apart. */
class StopTokensTest {
  private static final int VOCABULARY = 300;

  @TempDir private Path folder;

  private String read(String config, String generation) throws IOException {
    Files.writeString(folder.resolve("config.json"), config);
    if (generation != null) {
      Files.writeString(folder.resolve("generation_config.json"), generation);
    }
    return StopTokens.read(folder, VOCABULARY, OptionalInt.of(7)).toString();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'eos_token_id': 2}      | {'eos_token_id': 2}      | [2]",
        "{'eos_token_id': 2}      |                          | [2]",
        "{'eos_token_id': [5, 2]} |                          | [2, 5]",
        "{'eos_token_id': 7}      | {'eos_token_id': [3, 2]} | [2, 3]",
        "{'eos_token_id': 2}      | {'eos_token_id': 7}      | [7]",
        "{'eos_token_id': 2}      | {}                       | []",
        "{'eos_token_id': 2}      | {'eos_token_id': null}   | []",
        "{'eos_token_id': null}   |                          | []",
        "{'eos_token_id': 50256}  |                          | []",
        "{}                       | {'eos_token_id': 4}      | [4]",
        "{'bos_token_id': 3}      |                          | [7]"
      })
  void areThoseOfTheFiles(String config, String generation, String expected) throws IOException {
    String quoted = generation == null ? null : generation.replace('\'', '"');
    assertThat(read(config.replace('\'', '"'), quoted)).isEqualTo(expected);
  }

  @Test
  void refuseWhatIsNoToken() throws IOException {
    assertThatThrownBy(() -> read("{\"eos_token_id\": \"</s>\"}", null))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("eos_token_id holds \"</s>\"; expected a token id, a list");
    assertThatThrownBy(() -> read("{}", "{\"eos_token_id\": [1, 2.5]}"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("2.5");
    assertThatThrownBy(() -> read("{}", "[]"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("generation_config.json is not a JSON object");
    assertThatThrownBy(() -> read("{}", "{"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("generation_config.json is not JSON");
    Files.write(folder.resolve("generation_config.json"), new byte[] {'{', '"', (byte) 0xC3, '"'});
    assertThatThrownBy(() -> StopTokens.read(folder, VOCABULARY, OptionalInt.empty()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("generation_config.json is not");
  }
}
