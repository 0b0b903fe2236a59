package dev.loupe.gateway.http;

import com.google.common.net.HostAndPort;
import com.google.common.net.InetAddresses;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The names under which the gateway answers: those of this machine's loopback, any address as such,
 * the host that it listens on, and what the operator adds. A page whose own name is made to resolve
 * to the gateway's address (DNS rebinding) is of the same origin for a browser, and only its name
 * gives it away.
 */
final class HostNames {
  private static final String ANY = "*";
  private static final String BELOW = "*.";

  private final Set<String> names = new HashSet<>();

  /**
   * @param listens the host that the gateway was told to listen on
   * @param allowed more names; {@code *.lab.example} stands for all below it, {@code *} for all
   */
  HostNames(String listens, Collection<String> allowed) {
    names.add(bare(listens));
    if (!isLoopback(bare(listens))) {
      thisMachine().forEach(name -> names.add(bare(name)));
    }
    allowed.forEach(name -> names.add(bare(name)));
  }

  /**
   * Whether a request for this authority is meant for the gateway.
   *
   * @param authority {@code host} or {@code host:port}, as a Host header has it
   */
  boolean allows(String authority) {
    if (names.contains(ANY)) {
      return true;
    }
    String host = host(authority);
    return host != null
        && (isLoopback(host)
            || InetAddresses.isInetAddress(host)
            || names.contains(host)
            || isBelow(host));
  }

  /** The host of an authority in the form in which names are compared; null when it has none. */
  static String host(String authority) {
    try {
      return authority == null ? null : bare(HostAndPort.fromString(authority).getHost());
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** Whether a host is this machine, whatever its name server says. */
  static boolean isLoopback(String host) {
    return host.equals("localhost")
        || host.endsWith(".localhost")
        || (InetAddresses.isInetAddress(host) && InetAddresses.forString(host).isLoopbackAddress());
  }

  private boolean isBelow(String host) {
    for (int dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      if (names.contains(BELOW + host.substring(dot + 1))) {
        return true;
      }
    }
    return false;
  }

  private static String bare(String host) {
    String lower = host.toLowerCase(Locale.ROOT);
    return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
  }

  /** What others on its network may call this machine. */
  private static List<String> thisMachine() {
    try {
      InetAddress self = InetAddress.getLocalHost();
      return List.of(self.getHostName(), self.getCanonicalHostName());
    } catch (UnknownHostException e) {
      return List.of();
    }
  }
}
