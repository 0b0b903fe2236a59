package dev.loupe.inference.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * How text is cut before merging.
 *
 * @param addPrefixSpace puts a space before a text that does not start with one
 * @param splitWords cuts the text into words
 */
record SplitRules(boolean addPrefixSpace, boolean splitWords) {
  /** GPT-2's own. */
  static final SplitRules GPT2 = new SplitRules(false, true);

  /** GPT-2's expression, and a shorter way to write it that finds the same words. */
  private static final Set<String> EXPRESSIONS =
      Set.of(
          "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
          "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+");

  /**
   * Reads a {@code pre_tokenizer}: ByteLevel, alone or behind a Split by GPT-2's expression.
   *
   * @throws TokenizerException for any other, by its name
   */
  static SplitRules read(String name, JsonNode node) {
    List<JsonNode> steps = new ArrayList<>();
    flatten(node, steps);
    JsonNode last = steps.isEmpty() ? node : steps.get(steps.size() - 1);
    boolean split = steps.size() == 2 && isGpt2Split(name, steps.get(0));
    if (!type(last).equals("ByteLevel") || !(steps.size() == 1 || split)) {
      throw new TokenizerException(
          "%s: pre_tokenizer must be ByteLevel, as GPT-2's is, alone or behind a Split by GPT-2's expression, not %s"
              .formatted(
                  name,
                  steps.isEmpty() ? type(node) : steps.stream().map(SplitRules::type).toList()));
    }
    boolean prefix = last.path("add_prefix_space").asBoolean(true);
    if (split && prefix) {
      throw new TokenizerException(
          name
              + ": pre_tokenizer ByteLevel.add_prefix_space true behind a Split would put a space"
              + " before every word; expected false");
    }
    return new SplitRules(prefix, split || last.path("use_regex").asBoolean(true));
  }

  private static void flatten(JsonNode node, List<JsonNode> steps) {
    if (type(node).equals("Sequence")) {
      node.path("pretokenizers").forEach(step -> flatten(step, steps));
    } else {
      steps.add(node);
    }
  }

  private static String type(JsonNode node) {
    return node.path("type").asText("none");
  }

  private static boolean isGpt2Split(String name, JsonNode node) {
    if (!type(node).equals("Split")) {
      return false;
    }
    String expression = node.path("pattern").path("Regex").asText("");
    if (!EXPRESSIONS.contains(expression)) {
      throw new TokenizerException(
          "%s: pre_tokenizer Split.pattern %s is not GPT-2's expression"
              .formatted(name, node.path("pattern")));
    }
    // The expression leaves nothing between its matches, so both keep exactly the matches.
    String behavior = node.path("behavior").asText("");
    boolean invert = node.path("invert").asBoolean(false);
    boolean keeps = behavior.equals("Isolated") || (behavior.equals("Removed") && invert);
    if (!keeps) {
      throw new TokenizerException(
          "%s: pre_tokenizer Split.behavior \"%s\" with invert %s is not supported; GPT-2's is Isolated"
              .formatted(name, behavior, invert));
    }
    return true;
  }
}
