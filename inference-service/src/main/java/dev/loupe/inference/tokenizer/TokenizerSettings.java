package dev.loupe.inference.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * What {@code tokenizer_config.json}, {@code special_tokens_map.json} and {@code added_tokens.json}
 * say beside a vocabulary, read as {@code AutoTokenizer} of transformers 5 reads them for a GPT-2
 * model. The two older files count only where the first holds no {@code added_tokens_decoder}.
 */
final class TokenizerSettings {
  static final String CONFIG = "tokenizer_config.json";
  static final String SPECIALS = "special_tokens_map.json";
  static final String ADDED = "added_tokens.json";

  private static final String EXTRA = "extra_special_tokens";
  private static final String EXTRA_OLD = "additional_special_tokens";
  private static final String DECODER = "added_tokens_decoder";

  /** In the order in which tokens that the vocabulary lacks get their ids. */
  private static final List<String> ROLES =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  /** A special token and what names it; no token where a file says null. */
  private record Named(Optional<AddedToken> token, String source) {}

  private final TokenizerKind kind;
  private final JsonNode config;
  private final JsonNode specials;
  private final JsonNode addedTokens;
  private final Map<String, Named> named = new LinkedHashMap<>();
  private final Set<AddedToken> extras = new LinkedHashSet<>();

  /** Files that are not there are missing nodes. */
  TokenizerSettings(TokenizerKind kind, JsonNode config, JsonNode specials, JsonNode addedTokens) {
    this.kind = kind;
    this.config = config;
    this.specials = specials;
    this.addedTokens = addedTokens;
  }

  /** Puts together what all the files say. */
  Vocabulary vocabulary(BpeFile file) {
    readConfig();
    Map<Integer, AddedToken> decoder = new TreeMap<>();
    if (config.hasNonNull(DECODER)) {
      config
          .path(DECODER)
          .properties()
          .forEach(entry -> decoder.put(id(entry.getKey()), decoded(entry)));
    } else {
      readSpecials();
      readAdded(decoder);
      file.added().forEach(listed -> decoder.put(listed.id(), listed.token()));
    }
    for (String role : ROLES) {
      named.computeIfAbsent(role, r -> unnamed(r, file));
    }
    AddedVocabulary added = new AddedVocabulary(file.ids());
    if (kind == TokenizerKind.AS_WRITTEN) {
      added.add(file.added().stream().map(BpeFile.Listed::token).toList());
    }
    added.add(toAdd(added, decoder));
    return new Vocabulary(
        file.ids(),
        file.merges(),
        added,
        rules(file),
        kind == TokenizerKind.AS_WRITTEN && file.ignoreMerges(),
        unknown(file),
        new SpecialTokens(
            special("bos_token", added), special("eos_token", added), special("pad_token", added)),
        config.path("split_special_tokens").asBoolean(false));
  }

  private OptionalInt unknown(BpeFile file) {
    return kind == TokenizerKind.AS_WRITTEN && file.unknown().isPresent()
        ? OptionalInt.of(file.ids().get(file.unknown().get()))
        : OptionalInt.empty();
  }

  private SplitRules rules(BpeFile file) {
    return kind == TokenizerKind.AS_WRITTEN
        ? file.rules()
        : new SplitRules(config.path("add_prefix_space").asBoolean(false), true);
  }

  private void readConfig() {
    config
        .properties()
        .forEach(
            entry -> {
              String key = entry.getKey();
              JsonNode value = entry.getValue();
              boolean token = value.isTextual() || value.path("content").isTextual();
              if (ROLES.contains(key) || (key.endsWith("_token") && token)) {
                named.put(key, named(CONFIG, key, value, false));
              }
            });
    JsonNode extra = config.path(EXTRA);
    readExtras(CONFIG, extra.isEmpty() ? config.path(EXTRA_OLD) : extra);
  }

  private void readSpecials() {
    specials
        .properties()
        .forEach(
            entry -> {
              String key = entry.getKey();
              if (key.equals(EXTRA) || (key.equals(EXTRA_OLD) && extras.isEmpty())) {
                readExtras(SPECIALS, entry.getValue());
              } else if (key.endsWith("_token")) {
                named.put(key, named(SPECIALS, key, entry.getValue(), true));
              }
            });
  }

  private void readExtras(String file, JsonNode list) {
    if (list.isObject()) {
      list.properties()
          .forEach(
              entry ->
                  named.put(entry.getKey(), named(file, entry.getKey(), entry.getValue(), true)));
      return;
    }
    for (JsonNode entry : list) {
      named(file, EXTRA, entry, file.equals(SPECIALS)).token().ifPresent(extras::add);
    }
  }

  private static Named named(String file, String role, JsonNode node, boolean special) {
    String source = file + ": " + role;
    if (node.isNull()) {
      return new Named(Optional.empty(), source + " is null");
    }
    if (node.isTextual() && node.textValue().isEmpty()) {
      return new Named(Optional.empty(), source + " is empty");
    }
    if (node.isTextual()) {
      return new Named(Optional.of(AddedToken.special(node.textValue())), source);
    }
    if (!node.isObject()) {
      throw new TokenizerException(
          "%s is %s; expected a token's text, or an object with its content"
              .formatted(source, node));
    }
    return new Named(
        Optional.of(special ? AddedToken.readSpecial(source, node) : AddedToken.read(source, node)),
        source);
  }

  private Named unnamed(String role, BpeFile file) {
    if (role.equals("pad_token")
        && kind == TokenizerKind.AS_WRITTEN
        && file.padding().isPresent()) {
      return new Named(file.padding().map(AddedToken::special), "tokenizer.json: padding");
    }
    return new Named(
        kind.fallback(role).map(AddedToken::special),
        kind.fallback(role).isPresent()
            ? "what " + kind.className() + " takes where no file names one"
            : "no file names one");
  }

  private static int id(String key) {
    try {
      return Integer.parseInt(key);
    } catch (NumberFormatException e) {
      throw new TokenizerException(
          "%s: %s has the key \"%s\"; expected a token id".formatted(CONFIG, DECODER, key), e);
    }
  }

  private static AddedToken decoded(Map.Entry<String, JsonNode> entry) {
    return AddedToken.read(
        "%s, %s %s".formatted(CONFIG, DECODER, entry.getKey()), entry.getValue());
  }

  private void readAdded(Map<Integer, AddedToken> decoder) {
    Set<String> special = new LinkedHashSet<>();
    named.values().forEach(name -> name.token().ifPresent(t -> special.add(t.content())));
    extras.forEach(token -> special.add(token.content()));
    addedTokens
        .properties()
        .forEach(
            entry -> {
              String content = entry.getKey();
              JsonNode id = entry.getValue();
              if (content.isEmpty() || !id.canConvertToInt() || !id.isIntegralNumber()) {
                throw new TokenizerException(
                    "%s: the id of \"%s\" is %s; expected a token's text and a whole number"
                        .formatted(ADDED, content, id));
              }
              decoder.put(id.intValue(), AddedToken.ofText(content, special.contains(content)));
            });
  }

  /** What is added after the vocabulary's own file was read, in its order. */
  private List<AddedToken> toAdd(AddedVocabulary added, Map<Integer, AddedToken> decoder) {
    Map<String, AddedToken> properties = new LinkedHashMap<>();
    decoder.values().forEach(token -> properties.put(token.content(), token));
    Set<String> parts = new LinkedHashSet<>();
    named.values().forEach(name -> name.token().ifPresent(t -> parts.add(t.content())));
    List<AddedToken> tokens = new ArrayList<>();
    for (AddedToken token : decoder.values()) {
      tokens.add(parts.contains(token.content()) ? token.asSpecial() : token);
    }
    Set<String> known = added.contents();
    known.addAll(properties.keySet());
    Set<String> names = new LinkedHashSet<>(ROLES);
    names.addAll(named.keySet());
    for (String name : names) {
      named
          .get(name)
          .token()
          .filter(token -> known.add(token.content()))
          .map(AddedToken::asSpecial)
          .ifPresent(tokens::add);
    }
    extras.stream().filter(token -> known.add(token.content())).forEach(tokens::add);
    return tokens;
  }

  private SpecialToken special(String role, AddedVocabulary added) {
    Named name = named.get(role);
    return name.token()
        .map(
            token ->
                new SpecialToken(
                    added.find(token.content()).orElseThrow(), token.content(), name.source()))
        .orElseGet(() -> SpecialToken.none(name.source()));
  }
}
