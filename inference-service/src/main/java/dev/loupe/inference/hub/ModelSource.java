package dev.loupe.inference.hub;

import dev.loupe.server.names.ModelNames;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a model's files are. */
public sealed interface ModelSource {

  /** A folder on this machine. */
  record Folder(Path path) implements ModelSource {}

  /**
   * A repository on the hub.
   *
   * @param id {@code owner/name}
   * @param revision a branch, a tag or a commit
   */
  record Repository(String id, String revision) implements ModelSource {}

  /** What {@code owner/name} or {@code owner/name@revision} looks like. */
  Pattern REPOSITORY =
      Pattern.compile("([\\w-][\\w.-]{0,95}/[\\w-][\\w.-]{0,95})(?:@([\\w][\\w./-]{0,199}))?");

  /**
   * Reads a user's choice: a folder that exists, or what {@link #repository} reads.
   *
   * @throws HubException INVALID when it is neither
   */
  static ModelSource parse(String text) {
    Optional<Folder> folder = folder(text);
    if (folder.isPresent()) {
      return folder.get();
    }
    return repository(text)
        .orElseThrow(
            () ->
                new HubException(
                    HubException.Kind.INVALID,
                    "model \"%s\" is neither a folder that exists nor a hub id such as owner/name or gpt2"
                        .formatted(text)));
  }

  /** The folder of this name, if there is one. */
  static Optional<Folder> folder(String text) {
    try {
      Path path = Path.of(text);
      return !text.isEmpty() && Files.isDirectory(path)
          ? Optional.of(new Folder(path.toAbsolutePath().normalize()))
          : Optional.empty();
    } catch (InvalidPathException e) {
      return Optional.empty(); // it may still be a hub id
    }
  }

  /**
   * Reads a hub id {@code owner/name[@revision]}, or one of the short names that everybody uses for
   * some, such as {@code gpt2}; empty when it is none.
   */
  static Optional<Repository> repository(String text) {
    int at = text.indexOf('@');
    String name = at < 0 ? text : text.substring(0, at);
    String whole =
        ModelNames.repository(name).map(id -> id + text.substring(name.length())).orElse(text);
    Matcher matcher = REPOSITORY.matcher(whole);
    if (!matcher.matches() || text.contains("..")) {
      return Optional.empty();
    }
    String revision = matcher.group(2) == null ? "main" : matcher.group(2);
    return Optional.of(new Repository(matcher.group(1), revision));
  }

  /**
   * A resource id for the model: lower-case letters, digits and hyphens, starting with a letter.
   */
  default String modelId() {
    return ModelNames.id(
        this instanceof Repository repository
            ? repository.id()
            : String.valueOf(((Folder) this).path().getFileName()));
  }
}
