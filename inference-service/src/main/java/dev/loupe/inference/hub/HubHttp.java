package dev.loupe.inference.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Requests to the hub: follows redirects itself, so that the token goes to the hub's own host only.
 */
final class HubHttp {
  private static final int MAX_REDIRECTS = 5;

  private final HubSettings settings;
  private final HttpClient client;

  HubHttp(HubSettings settings) {
    this.settings = settings;
    this.client =
        HttpClient.newBuilder()
            .connectTimeout(settings.patience())
            .followRedirects(HttpClient.Redirect.NEVER)
            .build();
  }

  /**
   * A file's headers: from the hub's own hosts, where the hash and the size of the content stand.
   */
  record Headers(
      int status,
      URI location,
      Optional<String> tag,
      OptionalLong size,
      Optional<String> commit,
      Optional<String> errorCode) {}

  Headers head(URI address) throws IOException, InterruptedException {
    URI at = address;
    Optional<String> linkedTag = Optional.empty();
    OptionalLong linkedSize = OptionalLong.empty();
    Optional<String> commit = Optional.empty();
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      HttpRequest request = request(at).method("HEAD", HttpRequest.BodyPublishers.noBody()).build();
      HttpResponse<Void> response = client.send(request, BodyHandlers.discarding());
      linkedTag = linkedTag.or(() -> response.headers().firstValue("X-Linked-Etag"));
      if (linkedSize.isEmpty()) {
        linkedSize = longHeader(response, "X-Linked-Size");
      }
      commit = commit.or(() -> response.headers().firstValue("X-Repo-Commit"));
      Optional<URI> next = redirect(at, response);
      if (next.isPresent() && isHub(next.get())) {
        at = next.get();
        continue;
      }
      boolean stored = next.isPresent(); // elsewhere, for instance with a content network
      OptionalLong length =
          stored || linkedSize.isPresent() ? linkedSize : longHeader(response, "Content-Length");
      return new Headers(
          stored ? 200 : response.statusCode(),
          address,
          linkedTag.or(() -> response.headers().firstValue("ETag")),
          length,
          commit,
          response.headers().firstValue("X-Error-Code"));
    }
    throw new IOException("more than " + MAX_REDIRECTS + " redirects from " + address);
  }

  /** Fetches a file from an offset on; the caller closes the body. */
  HttpResponse<InputStream> get(URI address, long from) throws IOException, InterruptedException {
    URI at = address;
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      HttpRequest.Builder request = request(at).GET();
      if (from > 0) {
        request.header("Range", "bytes=" + from + "-");
      }
      HttpResponse<InputStream> response =
          client.send(request.build(), BodyHandlers.ofInputStream());
      Optional<URI> next = redirect(at, response);
      if (next.isEmpty()) {
        return response;
      }
      response.body().close();
      at = next.get();
    }
    throw new IOException("more than " + MAX_REDIRECTS + " redirects from " + address);
  }

  private HttpRequest.Builder request(URI at) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(at)
            .timeout(settings.patience())
            .header("Accept-Encoding", "identity")
            .header("User-Agent", "loupe");
    if (isHub(at)) {
      settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
    }
    return request;
  }

  private boolean isHub(URI at) {
    URI hub = settings.endpoint();
    return hub.getScheme().equals(at.getScheme())
        && hub.getHost().equalsIgnoreCase(at.getHost())
        && hub.getPort() == at.getPort();
  }

  private static Optional<URI> redirect(URI at, HttpResponse<?> response) throws IOException {
    boolean moved =
        switch (response.statusCode()) {
          case 301, 302, 303, 307, 308 -> true;
          default -> false;
        };
    if (!moved) {
      return Optional.empty();
    }
    try {
      URI next = at.resolve(response.headers().firstValue("Location").orElseThrow());
      boolean downgrade = "https".equals(at.getScheme()) && !"https".equals(next.getScheme());
      if (downgrade || next.getHost() == null) {
        throw new IOException(at + " redirects to " + next + ", which is not safe to follow");
      }
      return Optional.of(next);
    } catch (NoSuchElementException | IllegalArgumentException e) {
      throw new IOException(at + " redirects to nowhere", e);
    }
  }

  private static OptionalLong longHeader(HttpResponse<?> response, String name) {
    try {
      return response.headers().firstValueAsLong(name);
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }
}
