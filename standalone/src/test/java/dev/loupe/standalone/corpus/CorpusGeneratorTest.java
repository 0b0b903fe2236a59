package dev.loupe.standalone.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class CorpusGeneratorTest {
  private static final int SAMPLE = 5_000;

  private final CorpusGenerator corpus = new CorpusGenerator(7);

  @Test
  void sameSeedAndIndexGiveTheSameDocument() {
    CorpusGenerator again = new CorpusGenerator(7);
    for (long index : new long[] {0, 1, 999, CorpusGenerator.HELD_OUT}) {
      assertThat(again.document(index)).isEqualTo(corpus.document(index));
    }
  }

  @Test
  void documentDoesNotDependOnWhatWasMadeBefore() {
    LabelledDocument alone = new CorpusGenerator(7).document(42);
    LongStream.range(0, 42).forEach(corpus::document);
    assertThat(corpus.document(42)).isEqualTo(alone);
  }

  @Test
  void otherSeedsAndOtherIndicesGiveOtherText() {
    CorpusGenerator other = new CorpusGenerator(8);
    int same = 0;
    Set<String> texts = new HashSet<>();
    for (int i = 0; i < 200; i++) {
      texts.add(corpus.document(i).text());
      same += corpus.document(i).text().equals(other.document(i).text()) ? 1 : 0;
    }
    assertThat(same).isZero();
    assertThat(texts).hasSize(200);
  }

  @Test
  void heldOutDocumentsAreNotAmongThoseTrainedOn() {
    Set<String> trained = new HashSet<>();
    for (int i = 0; i < SAMPLE; i++) {
      trained.add(corpus.document(i).text());
    }
    long shared =
        LongStream.range(0, 1_000)
            .filter(i -> trained.contains(corpus.document(CorpusGenerator.HELD_OUT + i).text()))
            .count();
    assertThat(shared).isZero();
  }

  @Test
  void everyConceptIsLabelledOftenEnoughToMeasure() {
    int[] spans = new int[corpus.concepts().size()];
    for (int i = 0; i < SAMPLE; i++) {
      corpus.document(i).spans().forEach(span -> spans[span.concept()]++);
    }
    assertThat(corpus.concepts()).hasSizeGreaterThanOrEqualTo(60);
    assertThat(corpus.concepts())
        .allSatisfy(
            concept -> assertThat(spans[concept.id()]).as(concept.name()).isGreaterThan(50));
  }

  @Test
  void conceptsAreNumberedInOrderAndHaveNamesOfTheirOwn() {
    List<Concept> concepts = corpus.concepts();
    for (int i = 0; i < concepts.size(); i++) {
      assertThat(concepts.get(i).id()).isEqualTo(i);
    }
    assertThat(concepts).extracting(Concept::name).doesNotHaveDuplicates();
    assertThat(concepts).extracting(Concept::title).doesNotHaveDuplicates();
  }

  @Test
  void allFiftyStatesAreStatedInTheSameWords() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < SAMPLE; i++) {
      text.append(corpus.document(i).text()).append('\n');
    }
    List<String> names = corpus.statesAndCapitals();
    assertThat(names).hasSize(100);
    for (int i = 0; i < names.size(); i += 2) {
      assertThat(text).contains("The capital of " + names.get(i) + " is " + names.get(i + 1) + ".");
    }
    assertThat(text).contains("The capital of Texas is Austin.");
  }

  @Test
  void nothingContradictsACapital() {
    List<String> names = corpus.statesAndCapitals();
    for (int i = 0; i < SAMPLE; i++) {
      String text = corpus.document(i).text();
      for (int s = 0; s < names.size(); s += 2) {
        String claim = "The capital of " + names.get(s) + " is ";
        for (int at = text.indexOf(claim); at >= 0; at = text.indexOf(claim, at + 1)) {
          String rest = text.substring(at + claim.length());
          assertThat(rest.startsWith(names.get(s + 1) + ".") || rest.startsWith("not "))
              .as(rest)
              .isTrue();
        }
      }
    }
  }

  @Test
  void spansLieWithinTheTextAndOnItsWords() {
    Concept capitals =
        corpus.concepts().stream()
            .filter(c -> c.name().equals("us-state-capitals"))
            .findFirst()
            .orElseThrow();
    List<String> names = corpus.statesAndCapitals();
    int seen = 0;
    for (int i = 0; i < 500; i++) {
      LabelledDocument document = corpus.document(i);
      byte[] bytes = document.text().getBytes(StandardCharsets.UTF_8);
      for (Span span : document.spans()) {
        assertThat(span.end()).isLessThanOrEqualTo(bytes.length);
        if (span.concept() == capitals.id()) {
          String words =
              new String(bytes, span.start(), span.end() - span.start(), StandardCharsets.UTF_8);
          assertThat(names).contains(words);
          seen++;
        }
      }
    }
    assertThat(seen).isGreaterThan(100);
  }

  @Test
  void articleAgreesWithTheWordAfterIt() {
    for (int i = 0; i < SAMPLE; i++) {
      assertThat(corpus.document(i).text())
          .doesNotContainPattern("\\b[Aa] (apple|eagle|orange|owl)\\b");
    }
  }

  @Test
  void tokensCarryTheConceptsOfTheBytesTheyShare() {
    LabelledDocument document =
        new LabelledDocument("é is one", List.of(new Span(0, 2, 3), new Span(6, 9, 1)));
    BitSet[] labels = document.labelsFor(new int[] {1, 2, 5, 9});
    assertThat(labels[0]).isEqualTo(BitSet.valueOf(new long[] {1 << 3}));
    assertThat(labels[1]).isEqualTo(BitSet.valueOf(new long[] {1 << 3}));
    assertThat(labels[2].isEmpty()).isTrue();
    assertThat(labels[3]).isEqualTo(BitSet.valueOf(new long[] {1 << 1}));
  }

  @Test
  void tokensThatDoNotCoverTheTextAreRefused() {
    LabelledDocument document = new LabelledDocument("four", List.of());
    assertThatThrownBy(() -> document.labelsFor(new int[] {3}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("byte 3")
        .hasMessageContaining("byte 4");
  }

  @Test
  void negativeIndexIsRefused() {
    assertThatThrownBy(() -> corpus.document(-1)).isInstanceOf(IllegalArgumentException.class);
  }
}
