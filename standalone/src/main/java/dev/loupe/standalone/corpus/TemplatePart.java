package dev.loupe.standalone.corpus;

import java.util.List;

/** One piece of a sentence template. */
sealed interface TemplatePart {
  /** Text that stands as it is. */
  record Literal(String text) implements TemplatePart {}

  /**
   * A draw from a word list. Without a tag each use draws afresh; with one, the same tag gives the
   * same entry within a sentence.
   */
  record Draw(String list, String tag, boolean capitalised) implements TemplatePart {}

  /** A field of a row of a table; the same tag (or none) gives the same row within a sentence. */
  record Field(String table, String tag, String field, boolean capitalised)
      implements TemplatePart {}

  /** An integer between two bounds, both included. */
  record Number(int low, int high) implements TemplatePart {}

  /** A worked calculation such as {@code 3 + 4 = 7}, in digits. */
  record Calculation(char operator, int high) implements TemplatePart {}

  /** One of several alternatives, each as likely. */
  record Choice(List<List<TemplatePart>> alternatives) implements TemplatePart {}

  /** A stretch that belongs to a concept; a null name stands for the concept the template is in. */
  record Labelled(String concept, List<TemplatePart> parts) implements TemplatePart {}
}
