package dev.loupe.k8s;

import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.util.ClientBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Lets gRPC channels follow the pods of a Service: {@code loupe-k8s:///SERVICE.NAMESPACE:PORT},
 * where the port is a port's name in the Service or the number of the pods' port, and the namespace
 * may be left out inside a pod. With the {@code round_robin} policy every call then goes to another
 * ready pod, new pods get their share within moments, and pods that go are left at once.
 *
 * <p>gRPC finds this class by {@code META-INF/services}. The API server and its credentials are
 * those of the pod's service account, or of {@code KUBECONFIG} outside a cluster. The account must
 * be allowed to list and watch {@code endpointslices} of {@code discovery.k8s.io}.
 */
public final class EndpointSliceNameResolverProvider extends NameResolverProvider {
  private static final Path OWN_NAMESPACE =
      Path.of("/var/run/secrets/kubernetes.io/serviceaccount/namespace");

  private final Supplier<ApiClient> clients;
  private final Supplier<String> ownNamespace;
  private final Supplier<Backoff> backoffs;

  /** Talks to the cluster that this process is in, or that {@code KUBECONFIG} names. */
  public EndpointSliceNameResolverProvider() {
    this(
        EndpointSliceNameResolverProvider::standardClient,
        EndpointSliceNameResolverProvider::namespaceOfPod,
        () -> new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(30)));
  }

  EndpointSliceNameResolverProvider(
      Supplier<ApiClient> clients, Supplier<String> ownNamespace, Supplier<Backoff> backoffs) {
    this.clients = clients;
    this.ownNamespace = ownNamespace;
    this.backoffs = backoffs;
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  @Override
  protected int priority() {
    return 5;
  }

  @Override
  public String getDefaultScheme() {
    return ServiceTarget.SCHEME;
  }

  @Override
  public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
    return Set.of(InetSocketAddress.class);
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if the target has our scheme but not the form that goes with
   *     it
   */
  @Override
  public NameResolver newNameResolver(URI targetUri, NameResolver.Args args) {
    if (!ServiceTarget.SCHEME.equals(targetUri.getScheme())) {
      return null;
    }
    ServiceTarget target = ServiceTarget.parse(targetUri, ownNamespace);
    return new EndpointSliceNameResolver(
        target,
        args.getSynchronizationContext(),
        listener ->
            new EndpointWatch(
                new EndpointSliceApi(prepared(clients.get()), target),
                target,
                backoffs.get(),
                listener));
  }

  private static ApiClient standardClient() {
    try {
      return ClientBuilder.standard().build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ApiClient prepared(ApiClient client) {
    return client.setHttpClient(
        client
            .getHttpClient()
            .newBuilder()
            .connectTimeout(Duration.ofSeconds(10))
            .readTimeout(EndpointSliceApi.readTimeout())
            .build());
  }

  private static String namespaceOfPod() {
    try {
      return Files.readString(OWN_NAMESPACE).strip();
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "the target names no namespace, and " + OWN_NAMESPACE + " cannot be read");
    }
  }
}
