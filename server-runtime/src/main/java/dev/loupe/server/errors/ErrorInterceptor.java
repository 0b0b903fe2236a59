package dev.loupe.server.errors;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Turns whatever a service method throws, or passes to {@code onError}, into the status that {@link
 * LoupeErrors} gives it, so that no call ends with UNKNOWN and no exception's own message leaks
 * out.
 */
public final class ErrorInterceptor implements ServerInterceptor {
  private static final Metadata.Key<String> CONTENT_TYPE =
      Metadata.Key.of("content-type", Metadata.ASCII_STRING_MARSHALLER);

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    MappingCall<Q, R> mapping = new MappingCall<>(call);
    try {
      return new MappingListener<>(next.startCall(mapping, headers), mapping);
    } catch (Throwable t) {
      mapping.fail(t);
      return new ServerCall.Listener<>() {};
    }
  }

  private static final class MappingCall<Q, R> extends SimpleForwardingServerCall<Q, R> {
    private final AtomicBoolean closed = new AtomicBoolean();

    MappingCall(ServerCall<Q, R> delegate) {
      super(delegate);
    }

    @Override
    public void close(Status status, Metadata trailers) {
      closed.set(true);
      // The error of a call to another server comes with that call's headers, which are not this
      // one's.
      trailers.discardAll(CONTENT_TYPE);
      // onError(t) arrives here as UNKNOWN caused by t, unless t carried a status.
      if (status.getCode() == Status.Code.UNKNOWN && status.getCause() != null) {
        StatusRuntimeException mapped = LoupeErrors.toStatusException(status.getCause());
        super.close(mapped.getStatus(), mapped.getTrailers());
      } else {
        super.close(status, trailers);
      }
    }

    void fail(Throwable t) {
      StatusRuntimeException mapped = LoupeErrors.toStatusException(t);
      if (closed.compareAndSet(false, true)) {
        super.close(mapped.getStatus(), mapped.getTrailers());
      }
    }
  }

  private static final class MappingListener<Q> extends SimpleForwardingServerCallListener<Q> {
    private final MappingCall<Q, ?> call;

    MappingListener(ServerCall.Listener<Q> delegate, MappingCall<Q, ?> call) {
      super(delegate);
      this.call = call;
    }

    @Override
    public void onMessage(Q message) {
      guarded(() -> super.onMessage(message));
    }

    @Override
    public void onHalfClose() {
      guarded(super::onHalfClose);
    }

    @Override
    public void onCancel() {
      guarded(super::onCancel);
    }

    @Override
    public void onComplete() {
      guarded(super::onComplete);
    }

    @Override
    public void onReady() {
      guarded(super::onReady);
    }

    private void guarded(Runnable callback) {
      try {
        callback.run();
      } catch (Throwable t) {
        call.fail(t);
      }
    }
  }
}
