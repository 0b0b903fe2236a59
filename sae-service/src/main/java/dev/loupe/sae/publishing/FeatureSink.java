package dev.loupe.sae.publishing;

import java.util.List;

/** Where published features go. */
public interface FeatureSink {
  /** Most features in one call of {@link #write}. */
  int MAX_BATCH = 200;

  /** Writes features of a dictionary, all of them or none. */
  void write(String dictionary, List<PublishedFeature> features);
}
