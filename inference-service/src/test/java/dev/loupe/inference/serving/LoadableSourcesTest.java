package dev.loupe.inference.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.inference.hub.ModelSource;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import java.util.List;
import org.junit.jupiter.api.Test;

class LoadableSourcesTest {
  private static final ModelSource OWN = new ModelSource.Repository("owner/own", "v2");

  private static LoadableSources sources(boolean token, String... rules) {
    return new LoadableSources(
        List.of(), LoadableRepositories.of(List.of(rules), token, List.of(OWN)));
  }

  private static void allowed(LoadableSources sources, String... texts) {
    for (String text : texts) {
      assertThat(sources.find("source", text)).isInstanceOf(ModelSource.Repository.class);
    }
  }

  private static void refused(LoadableSources sources, String words, String... texts) {
    for (String text : texts) {
      assertThatThrownBy(() -> sources.find("source", text))
          .satisfies(e -> assertThat(LoupeErrors.reason(e)).hasValue(ErrorReason.MODEL_NOT_FOUND))
          .hasMessageContaining(text)
          .hasMessageContaining(words);
    }
  }

  @Test
  void anyRepositoryWhereTheHubGetsNoToken() {
    allowed(sources(false), "gpt2", "someone/else@main", "owner/own");
  }

  @Test
  void noneButTheConfiguredOnesWhereItDoes() {
    allowed(sources(true), "owner/own@v2");
    refused(sources(true), "token", "gpt2", "owner/private", "owner/own", "owner/own@v3");
  }

  @Test
  void whatTheOperatorSaysCountsWithAndWithoutAToken() {
    for (boolean token : new boolean[] {false, true}) {
      LoadableSources some = sources(token, "gpt2-small", "lab/*");
      allowed(some, "gpt2", "openai-community/gpt2@v1", "lab/a", "owner/own@v2");
      refused(some, "lab/*", "lab2/a", "distilgpt2", "owner/own");
      allowed(sources(token, "*"), "any/thing");
      refused(sources(token, "none"), "none", "gpt2");
    }
  }

  @Test
  void rulesAreChecked() {
    for (String rule : List.of("", "lab", "lab/*/x", "la*/b", "a/b@c")) {
      assertThatThrownBy(() -> sources(true, rule)).hasMessageContaining("owner/*");
    }
  }
}
