package dev.loupe.inference.serving;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.tokenizer.SpecialToken;
import dev.loupe.inference.tokenizer.SpecialTokens;
import dev.loupe.inference.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Chooses the tokens that play a part in a model: what its tokenizer names counts before what its
 * config names, whose defaults belong to GPT-2's own vocabulary. As in TransformerLens, the end of
 * text stands in for a beginning of text that nobody names. A token that the model has no row for,
 * and a word that only the config names, are never taken.
 */
final class TokenRoles {
  private static final String END_OF_TEXT = "<|endoftext|>";

  private final Tokenizer tokenizer;
  private final GptConfig config;

  private TokenRoles(Tokenizer tokenizer, GptConfig config) {
    this.tokenizer = tokenizer;
    this.config = config;
  }

  static SpecialTokens of(Tokenizer tokenizer, GptConfig config) {
    TokenRoles roles = new TokenRoles(tokenizer, config);
    SpecialTokens named = tokenizer.specialTokens();
    SpecialToken configBos = roles.configured(config.bosToken(), "bos_token_id");
    SpecialToken configEos = roles.configured(config.eosToken(), "eos_token_id");
    return new SpecialTokens(
        roles.first(
            named.bos(),
            standIn(named.bos(), named.eos()),
            roles.endOfText(named.bos()),
            configBos,
            configEos),
        roles.first(named.eos(), configEos),
        roles.first(named.pad()));
  }

  private SpecialToken first(SpecialToken... candidates) {
    List<String> why = new ArrayList<>();
    for (SpecialToken token : candidates) {
      if (token.isPresent() && token.id() < config.vocabularySize()) {
        return token;
      }
      why.add(
          token.isPresent()
              ? "%s is beyond the model's %d tokens".formatted(token, config.vocabularySize())
              : token.source());
    }
    return SpecialToken.none(String.join("; ", why.stream().filter(w -> !w.isEmpty()).toList()));
  }

  /** A beginning of text beyond the model is not the same as none. */
  private static SpecialToken standIn(SpecialToken bos, SpecialToken eos) {
    return !bos.isPresent() && eos.isPresent()
        ? new SpecialToken(eos.id(), eos.text(), "the end of text, " + eos.source())
        : SpecialToken.none("");
  }

  private SpecialToken endOfText(SpecialToken bos) {
    if (bos.isPresent()) {
      return SpecialToken.none("");
    }
    return IntStream.range(0, Math.min(tokenizer.size(), config.vocabularySize()))
        .filter(id -> tokenizer.text(id).equals(END_OF_TEXT))
        .mapToObj(id -> new SpecialToken(id, END_OF_TEXT, "the vocabulary has it"))
        .findFirst()
        .orElse(SpecialToken.none(""));
  }

  private SpecialToken configured(int id, String field) {
    String source = "config.json: " + field;
    if (id < 0) {
      return SpecialToken.none("");
    }
    if (!tokenizer.isAdded(id) && !tokenizer.text(id).isEmpty()) {
      return SpecialToken.none(
          "%s %d is the ordinary token \"%s\"".formatted(source, id, tokenizer.text(id)));
    }
    return new SpecialToken(id, tokenizer.text(id), source);
  }
}
