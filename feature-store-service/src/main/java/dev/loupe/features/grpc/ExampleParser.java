package dev.loupe.features.grpc;

import dev.loupe.features.domain.FeatureExample;
import dev.loupe.server.errors.LoupeException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Reads examples of features from messages and refuses those whose parts do not fit together. */
final class ExampleParser {
  private static final int MAX_TOKENS = 256;
  private static final int MAX_TEXT_LENGTH = 65_536;

  private ExampleParser() {}

  static FeatureExample example(String field, dev.loupe.proto.features.v1.FeatureExample message) {
    Checks.size(field + ".tokens", message.getTokensList(), 1, MAX_TOKENS);
    int tokens = message.getTokensCount();
    requireAsMany(field + ".values", message.getValuesCount(), tokens);
    for (int i = 0; i < tokens; i++) {
      Checks.atMost(field + ".tokens[" + i + "]", message.getTokens(i), Checks.MAX_TOKEN_LENGTH);
      Checks.finite(field + ".values[" + i + "]", message.getValues(i));
    }
    if (message.getPeak() < 0 || message.getPeak() >= tokens) {
      throw LoupeException.invalidValue(field + ".peak", message.getPeak(), "0 to " + (tokens - 1));
    }
    if (message.getIdsCount() > 0) {
      requireAsMany(field + ".ids", message.getIdsCount(), tokens);
    }
    for (int i = 0; i < message.getIdsCount(); i++) {
      Checks.notNegative(field + ".ids[" + i + "]", message.getIds(i));
    }
    Checks.atMost(field + ".text", message.getText(), MAX_TEXT_LENGTH);
    checkEnds(field + ".byte_ends", message);
    return new FeatureExample(
        message.getTokensList(),
        message.getValuesList(),
        message.getPeak(),
        message.getIdsList(),
        message.getText(),
        message.getByteEndsList());
  }

  private static void checkEnds(String field, dev.loupe.proto.features.v1.FeatureExample message) {
    List<Integer> ends = message.getByteEndsList();
    if (message.getText().isEmpty()) {
      if (!ends.isEmpty()) {
        throw LoupeException.invalidValue(field, ends.size() + " entries", "none without text");
      }
      return;
    }
    requireAsMany(field, ends.size(), message.getTokensCount());
    int bytes = message.getText().getBytes(StandardCharsets.UTF_8).length;
    int before = 0;
    for (int i = 0; i < ends.size(); i++) {
      int least = i == ends.size() - 1 ? bytes : before;
      if (ends.get(i) < least || ends.get(i) > bytes) {
        throw LoupeException.invalidValue(
            field + "[" + i + "]",
            ends.get(i),
            (least == bytes ? "" : least + " to ") + bytes + ", where the text ends");
      }
      before = ends.get(i);
    }
  }

  private static void requireAsMany(String field, int count, int tokens) {
    if (count != tokens) {
      throw LoupeException.invalidValue(
          field, count + " entries", "as many as tokens, which are " + tokens);
    }
  }
}
