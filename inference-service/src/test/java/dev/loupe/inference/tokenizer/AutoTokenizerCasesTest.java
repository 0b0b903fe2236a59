package dev.loupe.inference.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * What transformers' AutoTokenizer and the tokenizers library make of small folders: {@code
 * cases.json}, which {@code make_cases.py} beside it makes with the real libraries.
 */
class AutoTokenizerCasesTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  @TempDir Path parent;

  @TestFactory
  Stream<DynamicTest> doesWhatTheRealLibrariesDo() throws IOException {
    JsonNode root;
    try (InputStream in =
        AutoTokenizerCasesTest.class.getResourceAsStream("/tokenizer/cases.json")) {
      root = JSON.readTree(in);
    }
    JsonNode shared = root.path("shared");
    assertThat(root.path("cases").size()).isGreaterThan(100);
    return StreamSupport.stream(root.path("cases").spliterator(), false)
        .map(one -> dynamicTest(one.path("name").asText(), () -> check(one, load(one, shared))));
  }

  private BpeTokenizer load(JsonNode one, JsonNode shared) throws IOException {
    Path folder = Files.createTempDirectory(parent, "case");
    for (Map.Entry<String, JsonNode> file : one.path("files").properties()) {
      boolean text = file.getKey().endsWith(".txt");
      Files.writeString(
          folder.resolve(file.getKey()),
          text ? file.getValue().asText() : expanded(file.getValue(), shared).toString());
    }
    return BpeTokenizer.load(folder);
  }

  /** Puts the vocabularies and merges that cases share in the place of their names. */
  private static JsonNode expanded(JsonNode node, JsonNode shared) {
    if (node.isTextual()) {
      return shared.has(node.asText()) ? shared.get(node.asText()) : node;
    }
    if (node.isArray()) {
      ArrayNode all = JSON.createArrayNode();
      node.forEach(entry -> all.add(expanded(entry, shared)));
      return all;
    }
    if (node.isObject()) {
      ObjectNode all = JSON.createObjectNode();
      node.properties().forEach(e -> all.set(e.getKey(), expanded(e.getValue(), shared)));
      return all;
    }
    return node;
  }

  private static void check(JsonNode one, BpeTokenizer tokenizer) {
    SpecialTokens special = tokenizer.specialTokens();
    checkSpecial(special.bos(), one.path("bos"));
    checkSpecial(special.eos(), one.path("eos"));
    checkSpecial(special.pad(), one.path("pad"));
    for (JsonNode text : one.path("texts")) {
      String words = text.path("text").asText();
      Encoding encoding = tokenizer.encode(words, false);
      assertThat(encoding.ids()).as("\"%s\"", words).isEqualTo(ids(text.path("ids")));
      assertThat(tokenizer.encode(words, true).ids())
          .as("\"%s\" with special tokens as text", words)
          .isEqualTo(ids(text.path("literal")));
      int[] ends = encoding.byteEnds();
      assertThat(ends).isSorted();
      assertThat(ends[ends.length - 1]).isEqualTo(words.getBytes(StandardCharsets.UTF_8).length);
    }
  }

  private static void checkSpecial(SpecialToken token, JsonNode expected) {
    if (expected.isNull()) {
      assertThat(token.isPresent()).as("%s", token).isFalse();
    } else {
      assertThat(token.id()).as("%s", token).isEqualTo(expected.get(0).intValue());
      assertThat(token.text()).isEqualTo(expected.get(1).textValue());
    }
    assertThat(token.source()).isNotEmpty();
  }

  private static int[] ids(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.get(i).intValue()).toArray();
  }
}
