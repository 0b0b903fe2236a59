package dev.loupe.inference.hub;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
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
   * Reads a user's choice: a folder that exists, or a hub id {@code owner/name[@revision]}.
   *
   * @throws HubException INVALID when it is neither
   */
  static ModelSource parse(String text) {
    try {
      Path path = Path.of(text);
      if (!text.isEmpty() && Files.isDirectory(path)) {
        return new Folder(path.toAbsolutePath().normalize());
      }
    } catch (InvalidPathException e) {
      // Then it may still be a hub id.
    }
    return repository(text)
        .orElseThrow(
            () ->
                new HubException(
                    HubException.Kind.INVALID,
                    "model \"%s\" is neither a folder that exists nor a hub id such as owner/name"
                        .formatted(text)));
  }

  /** Reads a hub id {@code owner/name[@revision]}; empty when it is none. */
  static Optional<Repository> repository(String text) {
    Matcher matcher = REPOSITORY.matcher(text);
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
    String name =
        this instanceof Repository repository
            ? repository.id().substring(repository.id().indexOf('/') + 1)
            : String.valueOf(((Folder) this).path().getFileName());
    String id =
        name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-+|-+$", "");
    String led = id.isEmpty() || !Character.isLetter(id.charAt(0)) ? "model-" + id : id;
    return led.substring(0, Math.min(63, led.length())).replaceAll("-+$", "");
  }
}
