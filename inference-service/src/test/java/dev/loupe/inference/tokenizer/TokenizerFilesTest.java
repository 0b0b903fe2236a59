package dev.loupe.inference.tokenizer;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerFilesTest {
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
