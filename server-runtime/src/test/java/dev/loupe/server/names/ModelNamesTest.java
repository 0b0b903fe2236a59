package dev.loupe.server.names;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelNamesTest {
  @ParameterizedTest
  @CsvSource({
    "gpt2, openai-community/gpt2, gpt2",
    "gpt2-small, openai-community/gpt2, gpt2",
    "openai-community/gpt2, openai-community/gpt2, gpt2",
    "OpenAI-Community/GPT2, openai-community/gpt2, gpt2",
    "gpt2-medium, openai-community/gpt2-medium, gpt2-medium",
    "gpt2-xl, openai-community/gpt2-xl, gpt2-xl",
    "distilgpt2, distilbert/distilgpt2, distilgpt2",
    "distill-gpt2, distilbert/distilgpt2, distilgpt2",
    "stanford-gpt2-small-a, stanford-crfm/alias-gpt2-small-x21, alias-gpt2-small-x21",
    "eowyn-gpt2-medium-x777, stanford-crfm/eowyn-gpt2-medium-x777, eowyn-gpt2-medium-x777",
  })
  void allNamesOfAModelGiveOneRepositoryAndOneId(String name, String repository, String id) {
    assertThat(ModelNames.repository(name)).hasValue(repository);
    assertThat(ModelNames.id(name)).isEqualTo(id);
  }

  @Test
  void otherNamesGiveIds() {
    assertThat(ModelNames.repository("somebody/gpt2")).isEmpty();
    assertThat(ModelNames.repository("pythia-70m")).isEmpty();
    assertThat(ModelNames.id("somebody/GPT2.tuned")).isEqualTo("gpt2-tuned");
    assertThat(ModelNames.id("7b")).isEqualTo("model-7b");
    assertThat(ModelNames.id("")).isEqualTo("model");
    assertThat(ModelNames.id("a" + "-b".repeat(60))).hasSize(63);
  }
}
