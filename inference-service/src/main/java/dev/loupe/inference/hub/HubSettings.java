package dev.loupe.inference.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * How to reach the hub, in the words of Hugging Face's own tools.
 *
 * @param endpoint the hub's address
 * @param cache where repositories are kept
 * @param token sent to the hub, and to no other host
 * @param offline uses what is in the cache and nothing else
 * @param patience how long to wait for an answer to begin, or for its next byte
 * @param attempts how often in a row to try without receiving anything new
 * @param pause before the second attempt; it doubles after each
 */
public record HubSettings(
    URI endpoint,
    Path cache,
    Optional<String> token,
    boolean offline,
    Duration patience,
    int attempts,
    Duration pause) {
  private static final String DEFAULT_ENDPOINT = "https://huggingface.co";

  /**
   * Reads {@code HF_ENDPOINT} (default Hugging Face's hub), {@code HF_HOME} (default {@code
   * ~/.cache/huggingface}), {@code HF_HUB_CACHE} (default the folder {@code hub} there), {@code
   * HF_TOKEN} (default the file {@code token} there) and {@code HF_HUB_OFFLINE}.
   *
   * @throws HubException INVALID when the endpoint is not an http or https address
   */
  public static HubSettings of(Map<String, String> environment) {
    Path home =
        path(environment, "HF_HOME")
            .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache", "huggingface"));
    return new HubSettings(
        endpoint(value(environment, "HF_ENDPOINT").orElse(DEFAULT_ENDPOINT)),
        path(environment, "HF_HUB_CACHE").orElse(home.resolve("hub")),
        value(environment, "HF_TOKEN").or(() -> tokenFile(home.resolve("token"))),
        value(environment, "HF_HUB_OFFLINE").filter(v -> !v.equals("0")).isPresent(),
        Duration.ofSeconds(30),
        5,
        Duration.ofMillis(500));
  }

  /** All but the token, which has no place in a log. */
  @Override
  public String toString() {
    return "HubSettings[endpoint=%s, cache=%s, token=%s, offline=%s]"
        .formatted(endpoint, cache, token.isPresent() ? "given" : "none", offline);
  }

  private static URI endpoint(String text) {
    try {
      URI uri = URI.create(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
      if (("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))
          && uri.getHost() != null) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // Falls through to the same sentence.
    }
    throw new HubException(
        HubException.Kind.INVALID,
        "HF_ENDPOINT is \"%s\"; give an http or https address".formatted(text));
  }

  private static Optional<String> tokenFile(Path file) {
    try {
      return Files.isRegularFile(file)
          ? Optional.of(Files.readString(file).strip()).filter(t -> !t.isEmpty())
          : Optional.empty();
    } catch (IOException e) {
      throw new HubException(HubException.Kind.INVALID, "cannot read the token in " + file, e);
    }
  }

  private static Optional<Path> path(Map<String, String> environment, String name) {
    return value(environment, name).map(Path::of);
  }

  private static Optional<String> value(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name)).map(String::strip).filter(v -> !v.isEmpty());
  }
}
