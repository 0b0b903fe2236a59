package dev.loupe.gateway.http;

import com.linecorp.armeria.server.ServiceRequestContext;
import io.grpc.Context;
import io.grpc.Context.CancellableContext;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Runs each call in a gRPC context that ends with the call or its deadline, as grpc-java's own
 * server does and Armeria does not, so that the calls which it makes end with it.
 */
final class CallContext implements ServerInterceptor {
  private final Duration longest;

  /**
   * @param longest that a call may take, whatever its client says
   */
  CallContext(Duration longest) {
    this.longest = longest;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    ServiceRequestContext request = ServiceRequestContext.current();
    long asked = request.requestTimeoutMillis();
    long millis = asked > 0 ? Math.min(asked, longest.toMillis()) : longest.toMillis();
    CancellableContext context =
        Context.current()
            .withDeadlineAfter(millis, TimeUnit.MILLISECONDS, request.eventLoop().withoutContext());
    return new SimpleForwardingServerCallListener<>(
        Contexts.interceptCall(context, call, headers, next)) {
      @Override
      public void onCancel() {
        try {
          super.onCancel();
        } finally {
          context.cancel(null);
        }
      }

      @Override
      public void onComplete() {
        try {
          super.onComplete();
        } finally {
          context.cancel(null);
        }
      }
    };
  }
}
