package dev.loupe.k8s;

import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Collection;

/** A provider that gRPC prefers to others of its scheme, as long as it is registered. */
final class Preferred extends NameResolverProvider {
  private final NameResolverProvider provider;

  Preferred(NameResolverProvider provider) {
    this.provider = provider;
  }

  @Override
  protected boolean isAvailable() {
    return true;
  }

  @Override
  protected int priority() {
    return 9;
  }

  @Override
  public String getDefaultScheme() {
    return provider.getDefaultScheme();
  }

  @Override
  public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
    return provider.getProducedSocketAddressTypes();
  }

  @Override
  public NameResolver newNameResolver(URI targetUri, NameResolver.Args args) {
    return provider.newNameResolver(targetUri, args);
  }
}
