package dev.loupe.features.storage;

import dev.loupe.features.domain.FeatureDetails;
import dev.loupe.features.domain.FeatureExample;
import dev.loupe.features.domain.FeatureLabel;
import dev.loupe.features.domain.Folding;
import dev.loupe.features.domain.TokenEffect;
import dev.loupe.features.domain.Words;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** What is stored beside a feature so that filters and searches find it. */
final class IndexedText {
  private static final char SEPARATOR = '\uffff';
  private static final char REPLACEMENT = '\ufffd';

  /**
   * PostgreSQL keeps up to 1 MiB of words and positions for a row; words beyond that are not found.
   */
  private static final int MAX_WORD_BYTES = 1_000_000;

  private static final int POSITION_BYTES = 12;

  private IndexedText() {}

  /**
   * The form in which filters compare text: folded, without the characters that one database or we
   * keep for ourselves.
   */
  static String comparable(String text) {
    return Folding.fold(text.replace(SEPARATOR, REPLACEMENT).replace('\0', REPLACEMENT));
  }

  /** All tokens that a feature raises, for filters. */
  static String topTokens(FeatureDetails details) {
    StringBuilder text = new StringBuilder().append(SEPARATOR);
    for (TokenEffect effect : details.logits().top()) {
      text.append(comparable(effect.token())).append(SEPARATOR);
    }
    return text.toString();
  }

  static Dialect.ContentWords contentWords(long row, FeatureDetails details) {
    Set<String> tokens = new LinkedHashSet<>();
    for (TokenEffect effect : details.logits().top()) {
      Words.addTo(tokens, effect.token());
    }
    Set<String> examples = new LinkedHashSet<>();
    for (FeatureExample example : details.examples()) {
      // A word may be several tokens long, and a character too.
      Words.addTo(examples, example.searched());
    }
    int left = keep(tokens, MAX_WORD_BYTES);
    keep(examples, left);
    return new Dialect.ContentWords(row, tokens, examples);
  }

  static Dialect.LabelWords labelWords(long row, List<FeatureLabel> labels) {
    Set<String> words = new LinkedHashSet<>();
    labels.forEach(label -> Words.addTo(words, label.text()));
    keep(words, MAX_WORD_BYTES);
    return new Dialect.LabelWords(row, words);
  }

  /** Keeps the first words that fit, and says how many bytes are left. */
  private static int keep(Collection<String> words, int bytes) {
    int left = bytes;
    for (var i = words.iterator(); i.hasNext(); ) {
      int size = i.next().getBytes(StandardCharsets.UTF_8).length + POSITION_BYTES;
      if (size > left) {
        i.remove();
      } else {
        left -= size;
      }
    }
    return left;
  }
}
