package dev.loupe.gateway.analysis;

import java.util.Collection;
import java.util.List;
import java.util.Map;

/** What is known of features by name. */
public interface Labels {
  /** Labels of those of these features that have some, best first. */
  Map<Long, List<Label>> of(String dictionary, Collection<Long> features);
}
