package dev.loupe.gateway.http;

import dev.loupe.server.Tls;
import java.time.Duration;
import java.util.List;

/**
 * Where the gateway listens, and to whom.
 *
 * @param host address to listen on
 * @param port 0 for any free one
 * @param tls certificate, or null for plain text
 * @param allowedHosts names that it answers to, beside this machine's own
 * @param allowedOrigins web origins that browsers may call from, beside this machine's own
 * @param maxMessageBytes largest request message, and largest JSON request
 * @param maxCalls that may be open at once, forwarded ones included
 * @param grace that open calls get at the end
 */
public record Address(
    String host,
    int port,
    Tls tls,
    List<String> allowedHosts,
    List<String> allowedOrigins,
    int maxMessageBytes,
    int maxCalls,
    Duration grace) {}
