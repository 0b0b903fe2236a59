package dev.loupe.server;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;

/**
 * Counts what has come of the message that a call reads at the moment, while gRPC still gathers it.
 * Told on the transport's threads, one thing after another.
 */
final class IncomingMessage extends ServerStreamTracer {
  private static final Context.Key<IncomingMessage> OF_CALL = Context.key("incoming-message");

  private final long most;
  private long bytes;
  private volatile Runnable refuse;

  private IncomingMessage(long most) {
    this.most = most;
  }

  /** Counts for every call, and tells each whose message has more bytes than this on the wire. */
  static Factory upTo(long most) {
    return new Factory() {
      @Override
      public ServerStreamTracer newServerStreamTracer(String method, Metadata headers) {
        return new IncomingMessage(most);
      }
    };
  }

  /**
   * Says what to do, once, when the message of the current call gets too large. Before a call asks
   * for its first message, nothing of it is counted.
   */
  static void whenTooLarge(Runnable refuse) {
    OF_CALL.get().refuse = refuse;
  }

  @Override
  public Context filterContext(Context context) {
    return context.withValue(OF_CALL, this);
  }

  @Override
  public void inboundMessage(int sequence) {
    bytes = 0;
  }

  @Override
  public void inboundWireSize(long more) {
    bytes += more;
    Runnable due = refuse;
    if (bytes > most && due != null) {
      refuse = null;
      due.run();
    }
  }
}
