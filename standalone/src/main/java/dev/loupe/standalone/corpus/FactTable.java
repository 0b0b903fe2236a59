package dev.loupe.standalone.corpus;

import java.util.List;
import java.util.Map;

/**
 * Facts in rows.
 *
 * @param concepts for a column, the name of the concept that its values belong to; columns without
 *     one are absent
 * @param rows values by column name
 */
record FactTable(String name, Map<String, String> concepts, List<Map<String, String>> rows) {}
