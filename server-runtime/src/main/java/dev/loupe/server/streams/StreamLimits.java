package dev.loupe.server.streams;

import dev.loupe.server.errors.LoupeException;
import java.time.Duration;

/**
 * What bounds one stream.
 *
 * @param inboundMessages requests that may wait unread, 1 or more; gRPC's flow control holds the
 *     client back beyond
 * @param readyBytes responses wait for the client once this many bytes are buffered, 1 or more
 * @param sendPatience how long one response may wait for a client that does not read
 * @param receivePatience how long to wait for a client's next request
 */
public record StreamLimits(
    int inboundMessages, int readyBytes, Duration sendPatience, Duration receivePatience) {

  /** 4 requests, 1 MiB of responses, ten minutes either way. */
  public static final StreamLimits DEFAULT =
      new StreamLimits(4, 1 << 20, Duration.ofMinutes(10), Duration.ofMinutes(10));

  /** For responses of a mebibyte each: so many are buffered that the transport never idles. */
  public static final StreamLimits BULK = DEFAULT.withReadyBytes(4 << 20);

  public StreamLimits {
    if (inboundMessages < 1) {
      throw LoupeException.invalidValue("inboundMessages", inboundMessages, "1 or more");
    }
    if (readyBytes < 1) {
      throw LoupeException.invalidValue("readyBytes", readyBytes, "1 or more");
    }
  }

  /** The same with another number of requests that may wait. */
  public StreamLimits withInboundMessages(int messages) {
    return new StreamLimits(messages, readyBytes, sendPatience, receivePatience);
  }

  /** The same with another bound on buffered responses. */
  public StreamLimits withReadyBytes(int bytes) {
    return new StreamLimits(inboundMessages, bytes, sendPatience, receivePatience);
  }

  /** The same with other waiting times. */
  public StreamLimits withPatience(Duration send, Duration receive) {
    return new StreamLimits(inboundMessages, readyBytes, send, receive);
  }
}
