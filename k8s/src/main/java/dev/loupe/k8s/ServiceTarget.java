package dev.loupe.k8s;

import java.net.URI;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which endpoints a gRPC target means.
 *
 * @param service name of the Service
 * @param namespace that it is in
 * @param port a port's name in the Service, or the number of the pods' port
 */
record ServiceTarget(String service, String namespace, String port) {
  static final String SCHEME = "loupe-k8s";

  private static final String LABEL = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?";
  private static final Pattern PATH =
      Pattern.compile("/(" + LABEL + ")(?:\\.(" + LABEL + "))?:(" + LABEL + ")");
  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,5}");

  /**
   * Reads {@code loupe-k8s:///SERVICE.NAMESPACE:PORT} or {@code loupe-k8s:///SERVICE:PORT}.
   *
   * @param ownNamespace gives the namespace of targets that name none
   * @throws IllegalArgumentException if the target is no such thing
   */
  static ServiceTarget parse(URI target, Supplier<String> ownNamespace) {
    String path = target.getPath() == null ? "" : target.getPath();
    Matcher matcher = PATH.matcher(path);
    boolean authority = target.getAuthority() != null && !target.getAuthority().isEmpty();
    if (authority || !matcher.matches()) {
      throw new IllegalArgumentException(
          "target \"" + target + "\" is not of the form " + SCHEME + ":///SERVICE.NAMESPACE:PORT");
    }
    String namespace = matcher.group(2) == null ? ownNamespace.get() : matcher.group(2);
    ServiceTarget parsed = new ServiceTarget(matcher.group(1), namespace, matcher.group(3));
    if (parsed.portIsNumber() && (parsed.portNumber() < 1 || parsed.portNumber() > 65_535)) {
      throw new IllegalArgumentException(
          "target \"" + target + "\" has port " + parsed.port() + "; give 1 to 65535, or a name");
    }
    return parsed;
  }

  /** Whether the port is given by number. */
  boolean portIsNumber() {
    return NUMBER.matcher(port).matches();
  }

  /** The port's number, where it is given by number. */
  int portNumber() {
    return Integer.parseInt(port);
  }

  /** What the other side is called: the Service's name in the cluster's DNS. */
  String authority() {
    return service + "." + namespace;
  }

  @Override
  public String toString() {
    return authority() + ":" + port;
  }
}
