package dev.loupe.standalone.corpus;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Writes a BPE as Hugging Face's {@code tokenizer.json}, in the form that GPT-2's has. */
public final class TokenizerFile {
  private static final ObjectMapper JSON = new ObjectMapper();

  private TokenizerFile() {}

  /**
   * Writes the file, replacing one that is there.
   *
   * @throws IOException if it cannot be written
   */
  public static void write(TrainedBpe bpe, Path file) throws IOException {
    ObjectNode root = JSON.createObjectNode();
    root.put("version", "1.0");
    root.putNull("truncation");
    root.putNull("padding");
    ObjectNode added = root.putArray("added_tokens").addObject();
    added.put("id", bpe.endOfText());
    added.put("content", TrainedBpe.END_OF_TEXT);
    for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized")) {
      added.put(flag, false);
    }
    added.put("special", true);
    root.putNull("normalizer");
    byteLevel(root.putObject("pre_tokenizer"));
    byteLevel(root.putObject("post_processor"));
    byteLevel(root.putObject("decoder"));
    model(bpe, root.putObject("model"));
    JSON.writeValue(file.toFile(), root);
  }

  private static void byteLevel(ObjectNode part) {
    part.put("type", "ByteLevel");
    part.put("add_prefix_space", false);
    part.put("trim_offsets", true);
    part.put("use_regex", true);
  }

  private static void model(TrainedBpe bpe, ObjectNode model) {
    model.put("type", "BPE");
    for (String absent :
        List.of("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix")) {
      model.putNull(absent);
    }
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    ObjectNode vocabulary = model.putObject("vocab");
    for (int id = 0; id < bpe.tokens().size(); id++) {
      vocabulary.put(bpe.tokens().get(id), id);
    }
    vocabulary.put(TrainedBpe.END_OF_TEXT, bpe.endOfText());
    ArrayNode merges = model.putArray("merges");
    bpe.merges().forEach(merge -> merges.add(merge.left() + ' ' + merge.right()));
  }
}
