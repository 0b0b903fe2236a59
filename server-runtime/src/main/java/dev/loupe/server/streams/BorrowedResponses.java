package dev.loupe.server.streams;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/**
 * For clients that read large bytes fields fast: responses are parsed where the transport received
 * them, and nothing is copied. A response's bytes fields are therefore valid only until the
 * observer's {@code onNext} returns; what is needed longer must be copied out there. So this is for
 * stubs that call an observer back, never for blocking ones, which hand responses on.
 */
public final class BorrowedResponses implements ClientInterceptor {
  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    BorrowingMarshaller<R> marshaller = new BorrowingMarshaller<>(method.getResponseMarshaller());
    MethodDescriptor<Q, R> borrowing =
        method.toBuilder(method.getRequestMarshaller(), marshaller).build();
    return new SimpleForwardingClientCall<>(next.newCall(borrowing, options)) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        super.start(new Returning<>(listener, marshaller), headers);
      }
    };
  }

  /** Gives the memory of each response back when it was looked at. */
  private static final class Returning<R> extends SimpleForwardingClientCallListener<R> {
    private final BorrowingMarshaller<R> marshaller;

    Returning(ClientCall.Listener<R> listener, BorrowingMarshaller<R> marshaller) {
      super(listener);
      this.marshaller = marshaller;
    }

    @Override
    public void onMessage(R message) {
      try {
        super.onMessage(message);
      } finally {
        marshaller.giveBack();
      }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      marshaller.giveBack();
      super.onClose(status, trailers);
    }
  }
}
