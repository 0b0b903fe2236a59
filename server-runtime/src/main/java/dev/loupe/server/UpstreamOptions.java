package dev.loupe.server;

import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The options of every server that calls others, as a picocli mixin. */
public final class UpstreamOptions {
  @Option(
      names = "--upstream-ca",
      paramLabel = "FILE",
      description = "Calls the services over TLS and trusts the certificates in this PEM file.")
  private Path upstreamCa;

  /** How to call them. */
  public Upstream upstream() {
    return upstreamCa == null ? Upstream.PLAIN_TEXT : new Upstream(upstreamCa);
  }
}
