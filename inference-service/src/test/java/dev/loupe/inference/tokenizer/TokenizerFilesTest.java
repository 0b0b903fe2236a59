package dev.loupe.inference.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerFilesTest {
  private static final String GPT2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  @TempDir Path folder;

  @Test
  void sayWhichFilesAreMissing() {
    assertThatThrownBy(() -> BpeTokenizer.load(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContaining("tokenizer.json, or vocab.json and merges.txt");
  }

  @Test
  void refuseWhatIsNotJson() throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": ");

    assertThatThrownBy(() -> BpeTokenizer.load(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("is not JSON");
  }

  @Test
  void refuseWhatTheyDoNotSupportByName() throws IOException {
    refused(json -> json.putObject("normalizer").put("type", "NFC"), "normalizer \"NFC\"");
    refused(json -> model(json).put("type", "Unigram"), "model.type must be \"BPE\"");
    refused(json -> model(json).put("dropout", 0.1), "model.dropout 0.1");
    refused(json -> model(json).put("end_of_word_suffix", "</w>"), "model.end_of_word_suffix");
    refused(
        json -> json.putObject("pre_tokenizer").put("type", "Metaspace"),
        "pre_tokenizer must be ByteLevel");
    refused(json -> model(json).put("unk_token", "nowhere"), "model.unk_token \"nowhere\"");
  }

  @Test
  void refuseBrokenVocabularies() throws IOException {
    refused(json -> model(json).putArray("vocab"), "must be an object");
    refused(json -> vocab(json).put("a", 1), "id 1 has two tokens");
    refused(json -> vocab(json).put("a", -1), "id of \"a\" is -1");
    refused(json -> vocab(json).put("a", 1_000_000_000), "id of \"a\" is 1000000000");
    refused(json -> vocab(json).put("a", "x"), "must be a whole number");
    refused(json -> json.withArray("added_tokens").addObject().put("id", 3), "content");
  }

  @Test
  void refuseBrokenMerges() throws IOException {
    refused(json -> model(json).putArray("merges").add("a b c"), "two tokens with a space");
    refused(json -> model(json).putArray("merges").add("ab"), "two tokens with a space");
    refused(json -> model(json).putArray("merges").add(7), "a merge must be");
    refused(json -> model(json).putArray("merges").add("q q"), "needs the token \"qq\"");
    refused(json -> model(json).put("merges", "none"), "model.merges must be a list");
  }

  @Test
  void refuseASplitThatIsNotGpt2s() throws IOException {
    refused(json -> sequence(json, "\\s+", "Isolated", false), "not GPT-2's expression");
    refused(json -> sequence(json, GPT2, "MergedWithNext", false), "Split.behavior");
    refused(json -> sequence(json, GPT2, "Isolated", true), "add_prefix_space");
    refused(
        json -> json.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers"),
        "pre_tokenizer must be ByteLevel");
  }

  private static void sequence(ObjectNode json, String regex, String behavior, boolean prefix) {
    var steps = json.putObject("pre_tokenizer").put("type", "Sequence").putArray("pretokenizers");
    ObjectNode split = steps.addObject().put("type", "Split").put("behavior", behavior);
    split.putObject("pattern").put("Regex", regex);
    steps.addObject().put("type", "ByteLevel").put("add_prefix_space", prefix);
  }

  @Test
  void refuseWhatNeedsBytesThatTheVocabularyLacks() throws IOException {
    refused(
        json -> {
          vocab(json).remove("z");
          model(json).put("byte_fallback", true);
        },
        "model.byte_fallback true is not supported where the vocabulary lacks a byte (0x7A)");
    refused(
        json -> {
          vocab(json).remove("z");
          model(json).put("fuse_unk", true).put("unk_token", "<|endoftext|>");
        },
        "model.fuse_unk true");
  }

  @Test
  void refuseHalfCharactersAndSayWhere() throws IOException {
    TokenizerFixture.writePair(folder);
    String vocab = Files.readString(folder.resolve("vocab.json"));
    Files.writeString(folder.resolve("vocab.json"), vocab.replace("\"aaa\"", "\"a\\ud800\""));

    assertThatThrownBy(() -> BpeTokenizer.load(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("vocab.json holds half of a surrogate pair, \\ud800, in a name");

    Files.writeString(folder.resolve("vocab.json"), vocab, StandardCharsets.UTF_16);
    assertThatThrownBy(() -> BpeTokenizer.load(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("vocab.json is not UTF-8 text: byte 0xFE at offset 0");
  }

  @Test
  void refuseBrokenFilesOfSpecialTokensByName() throws IOException {
    refused("tokenizer_config.json", "[]", "tokenizer_config.json is not a JSON object");
    refused("tokenizer_config.json", "{\"bos_token\": 7}", "tokenizer_config.json: bos_token is 7");
    refused(
        "tokenizer_config.json",
        "{\"added_tokens_decoder\": {\"x\": {\"content\": \"<a>\"}}}",
        "has the key \"x\"; expected a token id");
    refused(
        "tokenizer_config.json",
        "{\"added_tokens_decoder\": {\"300\": {\"content\": \"<a>\", \"lstrip\": 1}}}",
        "added_tokens_decoder 300: lstrip is 1; expected true or false");
    refused("special_tokens_map.json", "{\"pad_token\": {}}", "pad_token: content must be a text");
    refused("added_tokens.json", "{\"<a>\": \"b\"}", "added_tokens.json: the id of \"<a>\" is");
  }

  private void refused(String file, String content, String message) throws IOException {
    TokenizerFixture.writePair(folder);
    Files.writeString(folder.resolve(file), content);
    assertThatThrownBy(() -> BpeTokenizer.load(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining(message);
    Files.delete(folder.resolve(file));
  }

  @Test
  void aFolderWithoutThemHasNoTokenizerAndHalfOfAPairIsRefused() throws IOException {
    assertThat(Tokenizer.load(folder)).isInstanceOf(NoTokenizer.class);

    Files.writeString(folder.resolve("vocab.json"), "{\"a\": 0}");
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("vocab.json and merges.txt");
  }

  @Test
  void nameTheLineOfABrokenMergesFile() throws IOException {
    TokenizerFixture.writePair(folder);
    Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\nh e\nbroken\n");

    assertThatThrownBy(() -> BpeTokenizer.load(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("line 3");
  }

  private void refused(Consumer<ObjectNode> change, String message) throws IOException {
    ObjectNode json = TokenizerFixture.json(false);
    change.accept(json);
    TokenizerFixture.write(folder, json);
    assertThatThrownBy(() -> BpeTokenizer.load(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining(message);
  }

  private static ObjectNode model(ObjectNode json) {
    return (ObjectNode) json.path("model");
  }

  private static ObjectNode vocab(ObjectNode json) {
    return (ObjectNode) json.at("/model/vocab");
  }
}
