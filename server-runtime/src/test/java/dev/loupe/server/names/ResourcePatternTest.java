package dev.loupe.server.names;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ResourcePatternTest {
  private static final ResourcePattern MODEL = ResourcePattern.of("models/{model}");
  private static final ResourcePattern FEATURE =
      ResourcePattern.of("dictionaries/{dictionary}/features/{feature:index}");

  @Test
  void namesAreTakenApartAndPutTogether() {
    assertThat(MODEL.parseId("model", "models/gpt2-tiny")).isEqualTo("gpt2-tiny");
    assertThat(MODEL.format("gpt2-tiny")).isEqualTo("models/gpt2-tiny");
    assertThat(FEATURE.parse("name", "dictionaries/a/features/12")).containsExactly("a", "12");
    assertThat(FEATURE.format("a", 12)).isEqualTo("dictionaries/a/features/12");
    assertThat(FEATURE).hasToString("dictionaries/{dictionary}/features/{feature}");
    assertThatThrownBy(() -> FEATURE.format("a")).isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "models",
        "models/",
        "models/A",
        "models/1a",
        "models/-",
        "models/a/b",
        "model/a",
        "/models/a",
        "models/a/",
        "models/../a",
        "models/a b",
        "models/a_b",
        "models/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      })
  void aNameOfAnotherFormIsRefused(String name) {
    assertThat(MODEL.matches(name)).isFalse();
    assertThatThrownBy(() -> MODEL.parse("model", name))
        .hasMessageContaining("model is \"")
        .hasMessageContaining("models/{model}")
        .hasMessageContaining(ResourcePattern.ID_RULE)
        .satisfies(t -> assertThat(LoupeErrors.reason(t)).contains(ErrorReason.INVALID_NAME));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "-1", "01", "1.0", "", "9999999999999999999", "٣"})
  void anIndexIsAWholeNumber(String index) {
    String name = "dictionaries/a/features/" + index;
    assertThat(FEATURE.matches(name)).isFalse();
    assertThatThrownBy(() -> FEATURE.parse("name", name)).hasMessageContaining("an index from 0");
  }

  @Test
  void anyIsAcceptedWhereAskedFor() {
    ResourcePattern dictionary = ResourcePattern.of("dictionaries/{dictionary}");
    assertThat(dictionary.parseOrAny("parent", "dictionaries/-"))
        .containsExactly(ResourcePattern.ANY);
    assertThatThrownBy(() -> dictionary.parse("parent", "dictionaries/-"))
        .hasMessageContaining("parent");
  }

  @Test
  void chosenIdsAreChecked() {
    assertThat(ResourcePattern.requireId("corpus_id", "a-1")).isEqualTo("a-1");
    assertThatThrownBy(() -> ResourcePattern.requireId("corpus_id", "../etc"))
        .hasMessage("corpus_id is \"../etc\"; give " + ResourcePattern.ID_RULE);
  }
}
