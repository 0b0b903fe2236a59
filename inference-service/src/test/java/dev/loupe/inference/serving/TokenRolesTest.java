package dev.loupe.inference.serving;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.model.GptConfigReader;
import dev.loupe.inference.tokenizer.SpecialTokens;
import dev.loupe.inference.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A vocabulary of "a" to "z" (0 to 25), {@code <s>} (26) and {@code </s>} (27). */
class TokenRolesTest {
  private static final String AS_WRITTEN = "\"tokenizer_class\": \"PreTrainedTokenizerFast\"";

  @TempDir Path folder;

  private SpecialTokens roles(String tokenizerConfig, int vocabularySize, int bos, int eos)
      throws IOException {
    JsonMapper json = JsonMapper.builder().build();
    ObjectNode root = json.createObjectNode();
    ObjectNode model = root.putObject("model").put("type", "BPE");
    ObjectNode vocab = model.putObject("vocab");
    for (char letter = 'a'; letter <= 'z'; letter++) {
      vocab.put(String.valueOf(letter), vocab.size());
    }
    for (String special : List.of("<s>", "</s>")) {
      ObjectNode token = root.withArray("added_tokens").addObject();
      token.put("id", vocab.size()).put("content", special).put("special", true);
      vocab.put(special, vocab.size());
    }
    model.putArray("merges");
    root.putObject("pre_tokenizer").put("type", "ByteLevel").put("add_prefix_space", false);
    Files.writeString(folder.resolve("tokenizer.json"), root.toString());
    Files.writeString(folder.resolve("tokenizer_config.json"), tokenizerConfig);
    return TokenRoles.of(Tokenizer.load(folder), config(vocabularySize, bos, eos));
  }

  private static GptConfig config(int vocabularySize, int bos, int eos) {
    return GptConfigReader.parse(
        "{\"model_type\": \"gpt2\", \"vocab_size\": %d, \"bos_token_id\": %d, \"eos_token_id\": %d}"
            .formatted(vocabularySize, bos, eos));
  }

  @Test
  void theTokenizerCountsBeforeTheConfig() throws IOException {
    SpecialTokens roles =
        roles("{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}", 28, 50256, 50256);

    assertThat(roles.bos().id()).isEqualTo(26);
    assertThat(roles.bos().source()).isEqualTo("tokenizer_config.json: bos_token");
    assertThat(roles.eos().id()).isEqualTo(27);
    assertThat(roles.pad().isPresent()).isFalse();
  }

  @Test
  void anOrdinaryWordOfTheConfigIsNeverTaken() throws IOException {
    SpecialTokens roles = roles("{" + AS_WRITTEN + "}", 28, 7, 7);

    assertThat(roles.bos().isPresent()).isFalse();
    assertThat(roles.bos().source())
        .contains("config.json: bos_token_id 7 is the ordinary token \"h\"");
  }

  @Test
  void aSpecialTokenOfTheConfigIsTakenWhereTheTokenizerNamesNone() throws IOException {
    SpecialTokens roles = roles("{" + AS_WRITTEN + "}", 28, 26, 27);

    assertThat(roles.bos().toString()).isEqualTo("26 \"<s>\" (config.json: bos_token_id)");
    assertThat(roles.eos().toString()).isEqualTo("27 \"</s>\" (config.json: eos_token_id)");
  }

  @Test
  void theEndOfTextStandsInForABeginningThatNobodyNames() throws IOException {
    SpecialTokens roles = roles("{" + AS_WRITTEN + ", \"eos_token\": \"</s>\"}", 28, -1, -1);

    assertThat(roles.bos().id()).isEqualTo(27);
    assertThat(roles.bos().source()).isEqualTo("the end of text, tokenizer_config.json: eos_token");
  }

  @Test
  void aTokenThatTheModelHasNoRowForIsNotTaken() throws IOException {
    SpecialTokens roles = roles("{\"bos_token\": \"<b>\"}", 28, 50256, -1);

    assertThat(roles.bos().isPresent()).isFalse();
    assertThat(roles.bos().source())
        .contains("28 \"<b>\" (tokenizer_config.json: bos_token) is beyond the model's 28 tokens")
        .contains("50256");
  }

  @Test
  void withoutATokenizerTheConfigSays() {
    Path nothing = folder.resolve("nothing");
    SpecialTokens roles = TokenRoles.of(Tokenizer.load(nothing), config(28, 26, 27));

    assertThat(roles.bos().toString()).isEqualTo("26 \"\" (config.json: bos_token_id)");
    assertThat(roles.eos().id()).isEqualTo(27);
  }
}
