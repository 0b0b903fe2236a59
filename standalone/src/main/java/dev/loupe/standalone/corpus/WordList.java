package dev.loupe.standalone.corpus;

import java.util.List;

/**
 * A named list of words and phrases, each a template itself.
 *
 * @param concept name of the concept that every draw belongs to, or null
 */
record WordList(String name, String concept, List<List<TemplatePart>> entries) {}
