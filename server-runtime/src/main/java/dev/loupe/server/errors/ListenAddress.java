package dev.loupe.server.errors;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/** Where a server listens, and what is said when it cannot. */
public final class ListenAddress {
  private static final int HIGHEST_PORT = 65_535;

  private ListenAddress() {}

  /**
   * An address to listen on.
   *
   * @param port 0 for any free one
   * @throws LoupeException INVALID_VALUE when there is no such port or host
   */
  public static InetSocketAddress of(String host, int port) {
    checkPort("port", port);
    try {
      return new InetSocketAddress(InetAddress.getByName(host), port);
    } catch (UnknownHostException e) {
      throw refused(host, port, e);
    }
  }

  /**
   * Refuses a port that cannot be.
   *
   * @throws LoupeException INVALID_VALUE that names the field
   */
  public static void checkPort(String field, int port) {
    if (port < 0 || port > HIGHEST_PORT) {
      throw LoupeException.invalidValue(field, port, "0 to " + HIGHEST_PORT);
    }
  }

  /** PORT_IN_USE or INVALID_VALUE, for what the operating system said. */
  public static LoupeException refused(String host, int port, Throwable why) {
    for (Throwable t = why; t != null; t = t.getCause()) {
      if (String.valueOf(t.getMessage()).contains("in use")) {
        return LoupeException.of(
                ErrorReason.PORT_IN_USE,
                "port "
                    + port
                    + " on "
                    + host
                    + " is in use by another program; give another port, or 0 for any",
                why)
            .with("host", host)
            .with("port", port);
      }
    }
    return LoupeException.of(
            ErrorReason.INVALID_VALUE,
            "cannot listen on host \""
                + host
                + "\", port "
                + port
                + ": "
                + why.getMessage()
                + "; give an address of this machine, such as 127.0.0.1 or 0.0.0.0",
            why)
        .with("field", "host");
  }
}
