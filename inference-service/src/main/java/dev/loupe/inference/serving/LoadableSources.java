package dev.loupe.inference.serving;

import dev.loupe.inference.hub.ModelSource;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * From where a client may have models loaded: from repositories of the hub that the operator
 * allows, and from folders below those that the operator named. Nothing else on the server's disk
 * can be reached, nor its existence be learnt.
 */
public final class LoadableSources {
  private final List<Path> roots;
  private final LoadableRepositories repositories;

  /** Sources below these folders, and these on the hub. */
  public LoadableSources(List<Path> roots, LoadableRepositories repositories) {
    this.roots = List.copyOf(roots);
    this.repositories = repositories;
  }

  /**
   * What a client's words stand for: a path below a root, given from there or in full, and else a
   * hub id.
   *
   * @throws LoupeException MODEL_NOT_FOUND when it is neither, or a repository that is not allowed;
   *     the hub is not asked then
   */
  public ModelSource find(String field, String text) {
    for (Path root : roots) {
      Optional<Path> folder = below(root, text);
      if (folder.isPresent()) {
        return new ModelSource.Folder(folder.get());
      }
    }
    ModelSource.Repository repository =
        ModelSource.repository(text)
            .orElseThrow(
                () ->
                    notFound(
                        field,
                        text,
                        "a hub id such as owner/name, or a folder below one that this server loads"
                            + " models from"));
    if (!repositories.allows(repository)) {
      throw notFound(field, text, repositories.inWords());
    }
    return repository;
  }

  private static LoupeException notFound(String field, String text, String expected) {
    return LoupeException.of(
            ErrorReason.MODEL_NOT_FOUND,
            "%s is \"%s\"; expected %s".formatted(field, text, expected))
        .with("field", field);
  }

  /** The folder that is meant, links followed, if it lies below the root. */
  private static Optional<Path> below(Path root, String text) {
    try {
      Path real = root.toRealPath();
      Path folder = real.resolve(text).toRealPath();
      return !text.isEmpty() && folder.startsWith(real) && Files.isDirectory(folder)
          ? Optional.of(folder)
          : Optional.empty();
    } catch (IOException | InvalidPathException e) {
      return Optional.empty();
    }
  }
}
