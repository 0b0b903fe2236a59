package dev.loupe.inference.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.loupe.inference.json.InvalidJsonException;
import dev.loupe.inference.json.StrictJson;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds and opens the files of a tokenizer. */
final class TokenizerFiles {
  /** The largest published tokenizers of this kind are near 20 MB. */
  private static final long MAX_BYTES = 64L << 20;

  private static final String JSON = "tokenizer.json";
  private static final String VOCAB = "vocab.json";
  private static final String MERGES = "merges.txt";
  private static final String MODEL_CONFIG = "config.json";

  private static final Logger log = LoggerFactory.getLogger(TokenizerFiles.class);

  private TokenizerFiles() {}

  /** True when a folder has a tokenizer's files, or some of them. */
  static boolean present(Path folder) {
    return Files.exists(folder.resolve(JSON))
        || Files.exists(folder.resolve(VOCAB))
        || Files.exists(folder.resolve(MERGES));
  }

  static Vocabulary read(Path folder) {
    BpeFile file = bpe(folder);
    JsonNode config = optional(folder.resolve(TokenizerSettings.CONFIG));
    String named = config.path("tokenizer_class").asText("");
    String tokenizerClass =
        named.isEmpty()
            ? optional(folder.resolve(MODEL_CONFIG)).path("tokenizer_class").asText("")
            : named;
    TokenizerKind kind = TokenizerKind.of(tokenizerClass);
    if (kind == TokenizerKind.AS_WRITTEN && !TokenizerKind.isGeneric(tokenizerClass)) {
      log.warn(
          "{}: the rules of tokenizer_class {} are not known; what the vocabulary's own file says"
              + " is taken as it is written",
          folder,
          tokenizerClass);
    }
    return new TokenizerSettings(
            kind,
            config,
            optional(folder.resolve(TokenizerSettings.SPECIALS)),
            optional(folder.resolve(TokenizerSettings.ADDED)))
        .vocabulary(file);
  }

  private static BpeFile bpe(Path folder) {
    Path json = folder.resolve(JSON);
    if (Files.exists(json)) {
      return new TokenizerJson(json.toString(), readJson(json)).read();
    }
    Path vocab = folder.resolve(VOCAB);
    Path merges = folder.resolve(MERGES);
    if (Files.exists(vocab) && Files.exists(merges)) {
      return VocabAndMerges.read(
          vocab.toString(), readJson(vocab), merges.toString(), readText(merges));
    }
    throw new TokenizerException(
        "no tokenizer in %s: expected tokenizer.json, or vocab.json and merges.txt"
            .formatted(folder));
  }

  private static JsonNode optional(Path file) {
    if (!Files.exists(file)) {
      return MissingNode.getInstance();
    }
    JsonNode root = readJson(file);
    if (!root.isObject()) {
      throw new TokenizerException(file + " is not a JSON object");
    }
    return root;
  }

  private static JsonNode readJson(Path file) {
    try {
      return StrictJson.parse(readBytes(file));
    } catch (InvalidJsonException e) {
      throw new TokenizerException(file + " " + e.getMessage(), e);
    }
  }

  private static byte[] readBytes(Path file) {
    try {
      checkSize(file);
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static String readText(Path file) {
    try {
      checkSize(file);
      return Files.readString(file);
    } catch (MalformedInputException e) {
      throw new TokenizerException(file + " is not UTF-8 text", e);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private static void checkSize(Path file) throws IOException {
    long size = Files.size(file);
    if (size > MAX_BYTES) {
      throw new TokenizerException(
          "%s has %d bytes; a tokenizer file may have at most %d".formatted(file, size, MAX_BYTES));
    }
  }
}
