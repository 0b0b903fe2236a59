package dev.loupe.standalone.corpus;

import java.util.List;

/**
 * A concept's own sentences.
 *
 * @param weight how often the topic is chosen, relative to the others
 * @param block whether its passages stand on lines of their own, as code does
 * @param templates the sentences; one that is to come more often stands more than once
 */
record Topic(Concept concept, int weight, boolean block, List<List<TemplatePart>> templates) {}
