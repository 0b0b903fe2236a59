package dev.loupe.standalone.embedded;

import java.nio.file.Path;
import java.util.List;

/**
 * What clients may have loaded beside the models that are served from the start.
 *
 * @param folders below which models may lie
 * @param repositories of the hub: {@code owner/name}, {@code owner/*}, {@code *} or {@code none};
 *     empty for any where there is no token for the hub, and none where there is
 */
public record Loadable(List<Path> folders, List<String> repositories) {
  /** Nothing was said of it. */
  public static final Loadable NOT_SAID = new Loadable(List.of(), List.of());
}
