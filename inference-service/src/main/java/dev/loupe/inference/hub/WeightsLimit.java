package dev.loupe.inference.hub;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Asked when a repository's configuration is there and its weights are not yet: gigabytes that
 * cannot be used need not be fetched.
 */
@FunctionalInterface
public interface WeightsLimit {
  /** Fetches whatever there is. */
  WeightsLimit NONE = config -> Long.MAX_VALUE;

  /**
   * How many bytes the weight files may have together. What it throws ends the download.
   *
   * @param config the repository's {@code config.json}
   */
  long mostBytes(Path config) throws IOException;
}
