package dev.loupe.inference.tokenizer;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A tokenizer small enough to follow by hand: ids 0 to 255 are the bytes in order, then one token
 * for each merge, then the end of text.
 */
final class TokenizerFixture {
  static final List<String> MERGES =
      List.of("h e", "l l", "he ll", "hell o", "\u0120 w", "o r", "\u0120w or", "a a", "aa a");
  static final int HELL = 258;
  static final int HELLO = 259;
  static final int SPACE_WOR = 262;
  static final int END = 256 + MERGES.size();

  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private TokenizerFixture() {}

  static ObjectNode vocab() {
    ByteAlphabet alphabet = new ByteAlphabet();
    ObjectNode vocab = MAPPER.createObjectNode();
    for (int value = 0; value < 256; value++) {
      vocab.put(alphabet.spell(value), value);
    }
    for (String merge : MERGES) {
      vocab.put(merge.replace(" ", ""), vocab.size());
    }
    return vocab.put("<|endoftext|>", vocab.size());
  }

  /** A tokenizer.json; with {@code pairs} the merges are written as lists of two. */
  static ObjectNode json(boolean pairs) {
    ObjectNode root = MAPPER.createObjectNode();
    root.putNull("normalizer");
    ObjectNode end = root.putArray("added_tokens").addObject();
    end.put("id", END).put("content", "<|endoftext|>").put("special", true);
    root.putObject("pre_tokenizer").put("type", "ByteLevel").put("add_prefix_space", false);
    ObjectNode model = root.putObject("model").put("type", "BPE");
    model.set("vocab", vocab());
    ArrayNode merges = model.putArray("merges");
    for (String merge : MERGES) {
      if (pairs) {
        String[] parts = merge.split(" ");
        merges.addArray().add(parts[0]).add(parts[1]);
      } else {
        merges.add(merge);
      }
    }
    return root;
  }

  static Path write(Path folder, ObjectNode tokenizer) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), tokenizer.toString());
    return folder;
  }

  static Path writePair(Path folder) throws IOException {
    Files.writeString(folder.resolve("vocab.json"), vocab().toString());
    Files.writeString(
        folder.resolve("merges.txt"), "#version: 0.2\n" + String.join("\n", MERGES) + "\n");
    return folder;
  }
}
