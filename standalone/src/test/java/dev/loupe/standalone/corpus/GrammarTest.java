package dev.loupe.standalone.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GrammarTest {
  private static final Concept ONE = new Concept(0, "one", "One");
  private static final Concept OTHER = new Concept(1, "other", "Other");

  @Test
  void labelsNestAndListsLabelTheirDraws() {
    LabelledDocument document = expand("x [y {fruit}] [@other z]");
    assertThat(document.text()).isEqualTo("x y fig z");
    assertThat(document.spans())
        .containsExactly(new Span(4, 7, 1), new Span(2, 7, 0), new Span(8, 9, 1));
  }

  @Test
  void articleMovesTheLabelsOfItsWord() {
    LabelledDocument document = expand("[a {vowel}]");
    assertThat(document.text()).isEqualTo("an apple");
    assertThat(document.spans()).containsExactly(new Span(3, 8, 1), new Span(0, 8, 0));
  }

  @Test
  void tagsRepeatADrawAndARow() {
    for (int seed = 0; seed < 20; seed++) {
      String[] words =
          expand(seed, "{many#1} {many#1} {facts.key} {facts.value}").text().split(" ");
      assertThat(words[0]).isEqualTo(words[1]);
      assertThat(words[3]).isEqualTo(words[2].toUpperCase(Locale.ROOT));
    }
  }

  @Test
  void drawsWithoutTagsDiffer() {
    for (int seed = 0; seed < 20; seed++) {
      String[] words = expand(seed, "{many} {many}").text().split(" ");
      assertThat(words[0]).isNotEqualTo(words[1]);
    }
  }

  @Test
  void calculationsAreRight() {
    for (int seed = 0; seed < 20; seed++) {
      String[] sum = expand(seed, "{calc:+:20} = {calc:*:9}").text().split(" = ");
      String[] terms = sum[0].split(" \\+ ");
      assertThat(Integer.parseInt(terms[0]) + Integer.parseInt(terms[1]))
          .isEqualTo(Integer.parseInt(sum[1]));
    }
  }

  @Test
  void backslashTakesACharacterLiterally() {
    assertThat(expand("\\[\\{{x|x}\\}\\]\\n.").text()).isEqualTo("[{x}]\n.");
  }

  @Test
  void bytesNotCharactersAreCounted() {
    assertThat(expand("é[é]").spans()).containsExactly(new Span(2, 4, 0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "[x", "x]", "}", "{No Such}", "\\", "[@other", "{a|b"})
  void brokenTemplatesAreRefused(String template) {
    assertThatThrownBy(() -> TemplateParser.parse(template)).isInstanceOf(GrammarException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"{absent}", "{absent.key}", "{facts.absent}", "[@absent x]", "{a|{absent}}"})
  void unknownNamesAreRefused(String template) {
    assertThatThrownBy(() -> expand(template))
        .isInstanceOf(GrammarException.class)
        .hasMessageContaining("absent");
  }

  private static LabelledDocument expand(String template) {
    return expand(0, template);
  }

  private static LabelledDocument expand(long seed, String template) {
    Topic topic = new Topic(ONE, 1, false, List.of(TemplateParser.parse(template)));
    Topic other = new Topic(OTHER, 1, false, List.of(TemplateParser.parse("-")));
    Grammar grammar =
        new Grammar(
            List.of(topic, other),
            Map.of(
                "fruit", list("fruit", "other", "fig"),
                "vowel", list("vowel", "other", "apple"),
                "many", list("many", null, "p", "q", "r", "s", "t", "u", "v", "w")),
            Map.of(
                "facts",
                new FactTable(
                    "facts",
                    Map.of(),
                    List.of(Map.of("key", "k", "value", "K"), Map.of("key", "m", "value", "M")))));
    DocumentWriter writer = new DocumentWriter(grammar, new SeededRandom(seed, 0));
    writer.sentence(topic);
    return writer.document();
  }

  private static WordList list(String name, String concept, String... entries) {
    return new WordList(
        name, concept, List.of(entries).stream().map(TemplateParser::parse).toList());
  }
}
