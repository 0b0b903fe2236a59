package dev.loupe.k8s;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.grpc.CallOptions;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A real channel with round_robin, over pods that come and go by what a local API server says. */
class EndpointSliceNameResolverTest {
  private final LocalApiServer api = new LocalApiServer();
  private final Pod a = new Pod("a");
  private final Pod b = new Pod("b");
  private final NameResolverProvider provider =
      new Preferred(
          new EndpointSliceNameResolverProvider(
              api::client,
              () -> "lab",
              () -> new Backoff(Duration.ofMillis(5), Duration.ofMillis(50))));
  private ManagedChannel channel;

  @BeforeEach
  void register() {
    // In place of the one from META-INF/services, which has the same scheme and a lower rank.
    NameResolverRegistry.getDefaultRegistry().register(provider);
  }

  @AfterEach
  void close() throws InterruptedException {
    if (channel != null) {
      channel.shutdownNow();
      assertThat(channel.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    }
    NameResolverRegistry.getDefaultRegistry().deregister(provider);
    api.close();
    a.close();
    b.close();
  }

  @Test
  void gRpcFindsTheProvider() {
    NameResolverRegistry.getDefaultRegistry().deregister(provider);
    assertThat(NameResolverRegistry.getDefaultRegistry().getProviderForScheme("loupe-k8s"))
        .isInstanceOf(EndpointSliceNameResolverProvider.class);
  }

  @Test
  void callsGoToEveryReadyPod() {
    put("slice-1", a, true);
    put("slice-2", b, true);
    open("loupe-k8s:///inference.lab:grpc");
    eventually(() -> answers().equals(Set.of("a", "b")));
    assertThat(api.credentials()).allMatch("Bearer a-token"::equals);
  }

  @Test
  void aTargetWithoutANamespaceIsInOurs() {
    put("slice-1", a, true);
    open("loupe-k8s:///inference:grpc");
    assertThat(who()).isEqualTo("a");
  }

  @Test
  void callsMoveToANewPodAndAwayFromOneThatGoes() {
    put("slice-1", a, true);
    open("loupe-k8s:///inference.lab:grpc");
    assertThat(answers()).containsExactly("a");
    put("slice-2", b, true);
    eventually(() -> answers().equals(Set.of("a", "b")));
    put("slice-1", a, false);
    eventually(() -> answers().equals(Set.of("b")));
    put("slice-1", a, true);
    eventually(() -> answers().equals(Set.of("a", "b")));
    api.delete("slice-2");
    eventually(() -> answers().equals(Set.of("a")));
    assertThat(api.lists()).as("lists; changes come by the watch").isEqualTo(1);
  }

  @Test
  void takesTheNullsThatKubernetesWritesForEmptyLists() {
    Map<String, Object> empty = new HashMap<>();
    empty.put("addressType", "IPv4");
    empty.put("endpoints", null);
    empty.put("ports", null);
    api.put("empty", empty);
    put("slice-1", a, true);
    open("loupe-k8s:///inference.lab:grpc");
    assertThat(who()).isEqualTo("a");
    api.put("empty-too", empty);
    put("slice-2", b, true);
    eventually(() -> answers().equals(Set.of("a", "b")));
    assertThat(api.lists()).isEqualTo(1);
    assertThat(api.watches()).isEqualTo(1);
  }

  @Test
  void aServiceWithoutReadyPodsIsUnavailableUntilOneComes() {
    open("loupe-k8s:///inference.lab:grpc");
    assertThatExceptionOfType(StatusRuntimeException.class)
        .isThrownBy(this::who)
        .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    put("slice-1", a, true);
    eventually(() -> answers().equals(Set.of("a")));
  }

  @Test
  void aWatchThatEndsGoesOnFromItsLastVersion() {
    put("slice-1", a, true);
    open("loupe-k8s:///inference.lab:grpc");
    assertThat(who()).isEqualTo("a");
    eventually(() -> api.watches() == 1);
    api.bookmark();
    api.endWatches();
    eventually(() -> api.watches() >= 2);
    assertThat(api.requests().get(2)).contains("resourceVersion=102");
    put("slice-2", b, true);
    eventually(() -> answers().equals(Set.of("a", "b")));
    assertThat(api.lists()).isEqualTo(1);
    assertThat(api.watches()).isEqualTo(2);
  }

  @Test
  void aVersionThatTheServerForgotLeadsToANewList() {
    put("slice-1", a, true);
    open("loupe-k8s:///inference.lab:grpc");
    assertThat(who()).isEqualTo("a");
    eventually(() -> api.watches() == 1);
    api.refuse(503);
    api.delete("slice-1");
    put("slice-2", b, true);
    api.forget();
    api.refuse(0);
    eventually(() -> answers().equals(Set.of("b")));
    assertThat(api.lists()).isGreaterThan(1);
    put("slice-1", a, true);
    eventually(() -> answers().equals(Set.of("a", "b")));
  }

  @Test
  void whatWasKnownStaysWhileTheApiServerIsAway() {
    put("slice-1", a, true);
    open("loupe-k8s:///inference.lab:grpc");
    assertThat(who()).isEqualTo("a");
    api.refuse(500);
    long before = api.requests().size();
    eventually(() -> api.requests().size() > before + 3);
    assertThat(answers()).containsExactly("a");
    put("slice-2", b, true);
    api.refuse(0);
    eventually(() -> answers().equals(Set.of("a", "b")));
  }

  @Test
  void saysWhatTheApiServerRefuses() {
    api.refuse(403);
    open("loupe-k8s:///inference.lab:grpc");
    assertThatExceptionOfType(StatusRuntimeException.class)
        .isThrownBy(this::who)
        .withMessageContaining("inference.lab:grpc")
        .withMessageContaining("403")
        .satisfies(e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    put("slice-1", a, true);
    api.refuse(0);
    eventually(() -> answers().equals(Set.of("a")));
  }

  @Test
  void aClosedChannelWatchesNoMore() throws InterruptedException {
    put("slice-1", a, true);
    open("loupe-k8s:///inference.lab:grpc");
    assertThat(who()).isEqualTo("a");
    eventually(() -> api.watches() == 1);
    channel.shutdownNow();
    assertThat(channel.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    eventually(
        () ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("endpoints-inference.lab:grpc")));
    assertThat(api.watches()).isEqualTo(1);
  }

  private void put(String slice, Pod pod, boolean ready) {
    api.put(
        slice,
        Slices.slice("IPv4", pod.port(), List.of(Slices.endpoint("127.0.0.1", slice, ready))));
  }

  private void open(String target) {
    channel =
        NettyChannelBuilder.forTarget(target, InsecureChannelCredentials.create())
            .defaultLoadBalancingPolicy("round_robin")
            .build();
  }

  /** Who answers eight calls. */
  private Set<String> answers() {
    Set<String> names = new TreeSet<>();
    for (int i = 0; i < 8; i++) {
      try {
        names.add(who());
      } catch (StatusRuntimeException e) {
        names.add(e.getStatus().getCode().name());
      }
    }
    return names;
  }

  private String who() {
    return ClientCalls.blockingUnaryCall(
        channel, Pod.WHO, CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS), "");
  }

  private static void eventually(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("the time to wait until").isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
  }
}
