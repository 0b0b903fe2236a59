package dev.loupe.inference.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Finds and opens the files of a tokenizer. */
final class TokenizerFiles {
  /** The largest published tokenizers of this kind are near 20 MB. */
  private static final long MAX_BYTES = 64L << 20;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private TokenizerFiles() {}

  static Vocabulary read(Path folder) {
    Path json = folder.resolve("tokenizer.json");
    if (Files.exists(json)) {
      return new TokenizerJson(json.toString(), readJson(json)).vocabulary();
    }
    Path vocab = folder.resolve("vocab.json");
    Path merges = folder.resolve("merges.txt");
    if (Files.exists(vocab) && Files.exists(merges)) {
      return VocabAndMerges.vocabulary(
          vocab.toString(), readJson(vocab), merges.toString(), readText(merges));
    }
    throw new TokenizerException(
        "no tokenizer in %s: expected tokenizer.json, or vocab.json and merges.txt"
            .formatted(folder));
  }

  private static JsonNode readJson(Path file) {
    byte[] bytes = readBytes(file);
    try {
      return MAPPER.readTree(bytes);
    } catch (JsonProcessingException e) {
      throw new TokenizerException(file + " is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new TokenizerException(file + " is not UTF-8 text: " + e.getMessage(), e);
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
