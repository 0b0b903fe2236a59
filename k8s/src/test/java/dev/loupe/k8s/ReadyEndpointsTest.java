package dev.loupe.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ReadyEndpointsTest {
  private static final ServiceTarget BY_NAME = new ServiceTarget("inference", "lab", "grpc");

  @Test
  void takesReadyEndpointsAndThoseOfUnknownCondition() {
    assertThat(
            addresses(
                BY_NAME,
                Slices.slice(
                    "IPv4",
                    50051,
                    List.of(
                        Slices.endpoint("10.0.0.3", "c", true),
                        Slices.endpoint("10.0.0.2", "b", null),
                        Slices.endpoint("10.0.0.1", "a", false)))))
        .containsExactly("[/10.0.0.2:50051]", "[/10.0.0.3:50051]");
  }

  @Test
  void joinsSlicesEachWithItsOwnPort() {
    assertThat(
            addresses(
                BY_NAME,
                Slices.slice("IPv4", 50051, List.of(Slices.endpoint("10.0.0.1", "a", true))),
                Slices.slice("IPv4", 50061, List.of(Slices.endpoint("10.0.0.2", "b", true)))))
        .containsExactly("[/10.0.0.1:50051]", "[/10.0.0.2:50061]");
  }

  @Test
  void aPodWithTwoKindsOfAddressIsOneEndpoint() {
    assertThat(
            addresses(
                BY_NAME,
                Slices.slice("IPv6", 50051, List.of(Slices.endpoint("fd00::1", "a", true))),
                Slices.slice("IPv4", 50051, List.of(Slices.endpoint("10.0.0.1", "a", true)))))
        .containsExactly("[/10.0.0.1:50051, /[fd00:0:0:0:0:0:0:1]:50051]");
  }

  @Test
  void anAddressThatTwoSlicesHoldWhilePodsMoveBetweenThemIsOneEndpoint() {
    Map<String, Object> slice =
        Slices.slice("IPv4", 50051, List.of(Slices.endpoint("10.0.0.1", "a", true)));
    assertThat(addresses(BY_NAME, slice, slice)).containsExactly("[/10.0.0.1:50051]");
  }

  @Test
  void endpointsOfNoPodAreToldApartByAddress() {
    assertThat(
            addresses(
                BY_NAME,
                Slices.slice(
                    "IPv4",
                    50051,
                    List.of(
                        Slices.endpoint("10.0.0.1", null, true),
                        Slices.endpoint("10.0.0.2", null, true)))))
        .hasSize(2);
  }

  @Test
  void aNumberIsThePodsPort() {
    assertThat(
            addresses(
                new ServiceTarget("inference", "lab", "7000"),
                Slices.slice("IPv4", 50051, List.of(Slices.endpoint("10.0.0.1", "a", true))),
                Map.of(
                    "addressType",
                    "IPv4",
                    "endpoints",
                    List.of(Slices.endpoint("10.0.0.2", "b", true)))))
        .containsExactly("[/10.0.0.1:7000]", "[/10.0.0.2:7000]");
  }

  @Test
  void leavesOutWhatHasNoSuchPortNoAddressOrIsAName() {
    assertThat(
            addresses(
                new ServiceTarget("inference", "lab", "http"),
                Slices.slice("IPv4", 50051, List.of(Slices.endpoint("10.0.0.1", "a", true)))))
        .isEmpty();
    assertThat(
            addresses(
                BY_NAME,
                Slices.slice("FQDN", 50051, List.of(Slices.endpoint("a.example", "a", true))),
                Slices.slice("IPv4", 50051, List.of(Map.of("addresses", List.of()))),
                Map.of("addressType", "IPv4", "endpoints", List.of())))
        .isEmpty();
  }

  @SafeVarargs
  private static List<String> addresses(ServiceTarget target, Map<String, Object>... slices) {
    return ReadyEndpoints.of(
            Stream.of(slices)
                .map(s -> EndpointSliceApi.slice(new Gson().toJsonTree(s).getAsJsonObject()))
                .toList(),
            target)
        .stream()
        .map(group -> group.getAddresses().toString())
        .toList();
  }
}
