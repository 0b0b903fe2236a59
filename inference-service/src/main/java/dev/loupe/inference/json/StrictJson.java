package dev.loupe.inference.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.loupe.server.text.Surrogates;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Reads one JSON value from UTF-8 (RFC 8259). Bytes that are not UTF-8 and halves of surrogate
 * pairs are refused, where most readers put a question mark or a replacement character in their
 * place; so are names given twice and whatever follows the value.
 */
public final class StrictJson {
  private static final int MOST_SHOWN = 40;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private StrictJson() {}

  /**
   * Reads a value.
   *
   * @throws InvalidJsonException such as {@code is not UTF-8 text: byte 0xFF at offset 17}, to be
   *     put after the file's name
   */
  public static JsonNode parse(byte[] utf8) throws InvalidJsonException {
    JsonNode root;
    try {
      root = MAPPER.readTree(decode(utf8));
    } catch (JsonProcessingException e) {
      throw new InvalidJsonException("is not JSON: " + e.getOriginalMessage(), e);
    }
    if (root.isMissingNode()) {
      throw new InvalidJsonException("is not JSON: it is empty");
    }
    checkSurrogates(root, "");
    return root;
  }

  private static String decode(byte[] utf8) throws InvalidJsonException {
    CharsetDecoder decoder =
        StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    ByteBuffer in = ByteBuffer.wrap(utf8);
    CharBuffer out = CharBuffer.allocate(utf8.length);
    CoderResult result = decoder.decode(in, out, true);
    if (result.isError()) {
      int at = in.position();
      throw new InvalidJsonException(
          "is not UTF-8 text: byte 0x%02X at offset %d".formatted(utf8[at] & 0xFF, at));
    }
    return out.flip().toString();
  }

  private static void checkSurrogates(JsonNode node, String path) throws InvalidJsonException {
    if (node.isTextual()) {
      check(node.textValue(), "the text at ", path);
    } else if (node.isObject()) {
      for (Map.Entry<String, JsonNode> field : node.properties()) {
        check(field.getKey(), "a name in ", path);
        checkSurrogates(field.getValue(), path + "/" + field.getKey());
      }
    } else if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        checkSurrogates(node.get(i), path + "/" + i);
      }
    }
  }

  private static void check(String text, String what, String path) throws InvalidJsonException {
    int half = Surrogates.firstHalf(text);
    if (half >= 0) {
      String shown = path.length() <= MOST_SHOWN ? path : path.substring(0, MOST_SHOWN) + "...";
      throw new InvalidJsonException(
          "holds half of a surrogate pair, \\u%04x, in %s%s, at character %d; no text has that"
              .formatted((int) text.charAt(half), what, path.isEmpty() ? "the top" : shown, half));
    }
  }
}
