package dev.loupe.k8s;

import io.grpc.EquivalentAddressGroup;
import io.kubernetes.client.openapi.models.DiscoveryV1EndpointPort;
import io.kubernetes.client.openapi.models.V1Endpoint;
import io.kubernetes.client.openapi.models.V1EndpointSlice;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns a Service's EndpointSlices into addresses. */
final class ReadyEndpoints {
  private static final Logger log = LoggerFactory.getLogger(ReadyEndpoints.class);

  private static final Comparator<InetSocketAddress> BY_ADDRESS =
      Comparator.comparing((InetSocketAddress a) -> a.getAddress().getHostAddress())
          .thenComparingInt(InetSocketAddress::getPort);

  private ReadyEndpoints() {}

  /**
   * The addresses of the ready endpoints, a group for each pod: one that has both an IPv4 and an
   * IPv6 address must not be balanced as two. Sorted, so that the same endpoints give the same
   * list.
   */
  static List<EquivalentAddressGroup> of(Collection<V1EndpointSlice> slices, ServiceTarget target) {
    Map<String, Set<InetSocketAddress>> byPod = new TreeMap<>();
    for (V1EndpointSlice slice : slices) {
      Integer port = port(slice, target);
      // Slices of type FQDN hold names, which the Service's own DNS name serves better.
      boolean addresses = !"FQDN".equals(slice.getAddressType());
      if (port == null || !addresses || slice.getEndpoints() == null) {
        continue;
      }
      for (V1Endpoint endpoint : slice.getEndpoints()) {
        if (isReady(endpoint)) {
          add(byPod, endpoint, port);
        }
      }
    }
    List<EquivalentAddressGroup> groups = new ArrayList<>();
    byPod
        .values()
        .forEach(pod -> groups.add(new EquivalentAddressGroup(List.<SocketAddress>copyOf(pod))));
    return groups;
  }

  private static Integer port(V1EndpointSlice slice, ServiceTarget target) {
    if (target.portIsNumber()) {
      return target.portNumber();
    }
    if (slice.getPorts() != null) {
      for (DiscoveryV1EndpointPort port : slice.getPorts()) {
        if (target.port().equals(port.getName())) {
          return port.getPort();
        }
      }
    }
    return null;
  }

  /** Kubernetes says that an unknown condition is to be taken for ready. */
  private static boolean isReady(V1Endpoint endpoint) {
    return endpoint.getConditions() == null
        || !Boolean.FALSE.equals(endpoint.getConditions().getReady());
  }

  private static void add(
      Map<String, Set<InetSocketAddress>> byPod, V1Endpoint endpoint, int port) {
    // The addresses of one endpoint stand for each other; the first is enough.
    String address = endpoint.getAddresses().isEmpty() ? null : endpoint.getAddresses().get(0);
    if (address == null) {
      return;
    }
    boolean known = endpoint.getTargetRef() != null && endpoint.getTargetRef().getUid() != null;
    String pod = known ? "uid " + endpoint.getTargetRef().getUid() : "address " + address;
    try {
      // Takes an address's digits, and asks no DNS for them.
      byPod
          .computeIfAbsent(pod, p -> new TreeSet<>(BY_ADDRESS))
          .add(new InetSocketAddress(InetAddress.getByName(address), port));
    } catch (UnknownHostException e) {
      log.warn("endpoint address {} is left out", address, e);
    }
  }
}
