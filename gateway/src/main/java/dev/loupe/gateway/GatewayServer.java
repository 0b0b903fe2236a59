package dev.loupe.gateway;

import com.google.longrunning.OperationsGrpc;
import dev.loupe.gateway.analysis.PromptAnalyzer;
import dev.loupe.gateway.client.FeatureStoreClient;
import dev.loupe.gateway.client.InferenceClient;
import dev.loupe.gateway.client.SaeClient;
import dev.loupe.gateway.grpc.GatewayGrpcService;
import dev.loupe.gateway.http.Address;
import dev.loupe.gateway.http.FrontDoor;
import dev.loupe.gateway.http.GatewayHealth;
import dev.loupe.gateway.proxy.Reconnection;
import dev.loupe.gateway.proxy.ServiceForwarder;
import dev.loupe.gateway.proxy.Tenancy;
import dev.loupe.gateway.proxy.Upstream;
import dev.loupe.gateway.proxy.UpstreamHealth;
import dev.loupe.proto.features.v1.FeatureStoreServiceGrpc;
import dev.loupe.proto.inference.v1.AttributionServiceGrpc;
import dev.loupe.proto.inference.v1.HeadServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.NeuronServiceGrpc;
import dev.loupe.proto.inference.v1.PatchingServiceGrpc;
import dev.loupe.proto.sae.v1.SaeServiceGrpc;
import dev.loupe.server.Channels;
import dev.loupe.server.GatewayKey;
import dev.loupe.server.Tls;
import dev.loupe.server.streams.BlockingCalls;
import io.grpc.ManagedChannel;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Stream;

/** The gateway, up and listening: one port for every call of Loupe, and for its page. */
public final class GatewayServer implements AutoCloseable {
  /** Prompts that are analysed at once; more are refused with QUEUE_FULL. */
  private static final int MAX_ANALYSES = 32;

  private final String host;
  private final List<Upstream> upstreams;
  private final Reconnection reconnection;
  private final BlockingCalls calls;
  private final FrontDoor door;
  private final UpstreamHealth upstreamHealth;
  private boolean closed;

  private GatewayServer(Builder settings) {
    host = settings.host;
    Tenancy tenancy = new Tenancy(settings.gatewayKey);
    Upstream inference = settings.upstream("inference-service", settings.inference, tenancy);
    Upstream sae = settings.upstream("sae-service", settings.sae, tenancy);
    Upstream features = settings.upstream("feature-store-service", settings.features, tenancy);
    upstreams = List.of(inference, sae, features);
    reconnection = new Reconnection(upstreams);
    calls = new BlockingCalls("gateway", MAX_ANALYSES);
    PromptAnalyzer analyzer =
        new PromptAnalyzer(
            new InferenceClient(inference), new SaeClient(sae), new FeatureStoreClient(features));
    MeterRegistry registry = settings.registry;
    try {
      Map<Upstream, List<ServerServiceDefinition>> forwarded = new LinkedHashMap<>();
      forwarded.put(
          inference,
          forwarded(
              inference,
              registry,
              InferenceServiceGrpc.getServiceDescriptor(),
              AttributionServiceGrpc.getServiceDescriptor(),
              PatchingServiceGrpc.getServiceDescriptor(),
              HeadServiceGrpc.getServiceDescriptor(),
              NeuronServiceGrpc.getServiceDescriptor()));
      forwarded.put(
          sae,
          forwarded(
              sae,
              registry,
              SaeServiceGrpc.getServiceDescriptor(),
              OperationsGrpc.getServiceDescriptor()));
      forwarded.put(
          features, forwarded(features, registry, FeatureStoreServiceGrpc.getServiceDescriptor()));
      GatewayHealth health = new GatewayHealth(names(forwarded));
      door =
          FrontDoor.open(
              settings.address(),
              new GatewayGrpcService(analyzer, calls, registry),
              List.copyOf(forwarded.values()),
              health,
              tenancy,
              registry);
      upstreamHealth = new UpstreamHealth(upstreams, health::lacks);
    } catch (RuntimeException | Error e) {
      closeBehind();
      throw e;
    }
  }

  /** Starts to describe a gateway. */
  public static Builder builder() {
    return new Builder();
  }

  /** The host that it was told to listen on. */
  public String host() {
    return host;
  }

  /** The port that it listens on. */
  public int port() {
    return door.port();
  }

  /** Waits until it is closed. */
  public void awaitClosed() {
    door.awaitClosed();
  }

  /**
   * Refuses new calls, waits for open ones as long as the grace lasts, and closes the port and the
   * channels to the services.
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    upstreamHealth.close();
    door.close();
    closeBehind();
  }

  private void closeBehind() {
    calls.close();
    reconnection.close();
    upstreams.forEach(upstream -> Channels.close(upstream.channel()));
  }

  private static Map<String, List<String>> names(
      Map<Upstream, List<ServerServiceDefinition>> forwarded) {
    Map<String, List<String>> names = new LinkedHashMap<>();
    forwarded.forEach(
        (upstream, services) ->
            names.put(
                upstream.name(),
                services.stream()
                    .map(service -> service.getServiceDescriptor().getName())
                    .toList()));
    return names;
  }

  private static List<ServerServiceDefinition> forwarded(
      Upstream upstream, MeterRegistry registry, ServiceDescriptor... services) {
    ServiceForwarder forwarder = new ServiceForwarder(upstream, registry);
    return Stream.of(services).map(forwarder::forward).toList();
  }

  /** Describes a gateway. The three targets must be given. */
  public static final class Builder {
    private String host = "127.0.0.1";
    private int port = 8080;
    private Tls tls;
    private List<String> allowedHosts = List.of();
    private List<String> allowedOrigins = List.of();
    private int maxMessageBytes = 8 << 20;
    private int maxCalls = 1024;
    private Duration grace = Duration.ofSeconds(5);
    private String inference;
    private String sae;
    private String features;
    private Function<String, ManagedChannel> channels = Channels::plaintext;
    private GatewayKey gatewayKey;
    private MeterRegistry registry = new SimpleMeterRegistry();

    private Builder() {}

    /** Address to listen on; 127.0.0.1 unless given. */
    public Builder host(String host) {
      this.host = host;
      return this;
    }

    /** Port to listen on, 0 for any free one; 8080 unless given. */
    public Builder port(int port) {
      this.port = port;
      return this;
    }

    /** Serves over TLS. */
    public Builder tls(Tls tls) {
      this.tls = tls;
      return this;
    }

    /**
     * Names that it answers to, beside this machine's own and any address; {@code *.lab.example}
     * for all below one, {@code *} for all.
     */
    public Builder allowedHosts(List<String> names) {
      this.allowedHosts = List.copyOf(names);
      return this;
    }

    /** Web origins that browsers may call from, beside this machine's own; {@code *} for all. */
    public Builder allowedOrigins(List<String> origins) {
      this.allowedOrigins = List.copyOf(origins);
      return this;
    }

    /** Largest request message; 8 MiB unless given. */
    public Builder maxMessageBytes(int bytes) {
      this.maxMessageBytes = bytes;
      return this;
    }

    /** Calls that may be open at once, more are refused with QUEUE_FULL; 1,024 unless given. */
    public Builder maxCalls(int calls) {
      this.maxCalls = calls;
      return this;
    }

    /** How long open calls may take to finish at the end; 5 s unless given. */
    public Builder grace(Duration grace) {
      this.grace = grace;
      return this;
    }

    /** Target of the inference service, such as {@code host:port}. */
    public Builder inference(String target) {
      this.inference = target;
      return this;
    }

    /** Target of the sae service. */
    public Builder sae(String target) {
      this.sae = target;
      return this;
    }

    /** Target of the feature store. */
    public Builder featureStore(String target) {
      this.features = target;
      return this;
    }

    /** How channels to the targets are made; plain text unless given. The gateway closes them. */
    public Builder channels(Function<String, ManagedChannel> channels) {
      this.channels = channels;
      return this;
    }

    /**
     * Tells the services whose calls are by the caller's address, with this key, instead of passing
     * on what callers say; null, unless given, passes it on.
     */
    public Builder gatewayKey(GatewayKey key) {
      this.gatewayKey = key;
      return this;
    }

    /** Where meters are made. */
    public Builder registry(MeterRegistry registry) {
      this.registry = registry;
      return this;
    }

    /**
     * Listens. The services need not be there yet: until they are, their calls give
     * SERVICE_UNAVAILABLE.
     *
     * @throws dev.loupe.server.errors.LoupeException PORT_IN_USE; INVALID_VALUE when the host is
     *     not an address of this machine
     */
    public GatewayServer start() {
      return new GatewayServer(this);
    }

    private Address address() {
      return new Address(
          host, port, tls, allowedHosts, allowedOrigins, maxMessageBytes, maxCalls, grace);
    }

    private Upstream upstream(String name, String target, Tenancy tenancy) {
      return new Upstream(
          name, channels.apply(Objects.requireNonNull(target, name + " has no target")), tenancy);
    }
  }
}
