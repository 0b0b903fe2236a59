package dev.loupe.inference.serving;

import dev.loupe.inference.hub.ModelSource;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.ModelNames;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Which repositories of the hub a client may have loaded. Those of the configuration always; others
 * as the operator says, and unless said, none where the server has a token: what it opens is the
 * operator's, not every caller's.
 */
public final class LoadableRepositories {
  private static final Pattern RULE =
      Pattern.compile("\\*|none|[\\w-][\\w.-]{0,95}/(\\*|[\\w-][\\w.-]{0,95})");
  private static final List<String> ANY = List.of("*");

  private final List<String> rules;
  private final List<ModelSource> configured;
  private final boolean said;

  private LoadableRepositories(List<String> rules, List<ModelSource> configured, boolean said) {
    this.rules = rules;
    this.configured = List.copyOf(configured);
    this.said = said;
  }

  /**
   * What the operator allows.
   *
   * @param rules {@code owner/name}, {@code owner/*}, {@code *} for any, {@code none}; empty when
   *     nothing was said
   * @param token true when the server sends one to the hub
   * @param configured the sources of the models that the operator named
   * @throws LoupeException INVALID_VALUE
   */
  public static LoadableRepositories of(
      List<String> rules, boolean token, List<ModelSource> configured) {
    if (rules.isEmpty()) {
      return new LoadableRepositories(token ? List.of() : ANY, configured, false);
    }
    List<String> known = rules.stream().map(r -> ModelNames.repository(r).orElse(r)).toList();
    for (String rule : known) {
      if (!RULE.matcher(rule).matches()) {
        throw LoupeException.invalidValue(
            "load-from-hub", rule, "owner/name, owner/*, * for any repository, or none");
      }
    }
    return new LoadableRepositories(known, configured, true);
  }

  /** Whether a client may have this repository loaded. */
  boolean allows(ModelSource.Repository repository) {
    return configured.contains(repository)
        || rules.stream().anyMatch(rule -> fits(rule, repository.id()));
  }

  private static boolean fits(String rule, String id) {
    return rule.equals("*")
        || rule.equals(id)
        || (rule.endsWith("/*") && id.startsWith(rule.substring(0, rule.length() - 1)));
  }

  /** What a client may have loaded, in words. */
  String inWords() {
    return said
        ? "one that fits --load-from-hub (%s), or one of the server's own models"
            .formatted(String.join(",", rules))
        : "one of the server's own models, as it has a token for the hub; --load-from-hub allows"
            + " more";
  }
}
