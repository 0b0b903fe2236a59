package dev.loupe.server;

import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServerStreamTracer;
import io.grpc.ServiceDescriptor;
import io.grpc.StatusRuntimeException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Refuses requests over a size with RESOURCE_EXHAUSTED (MESSAGE_TOO_LARGE). gRPC's own limit would
 * end the call with no details, so it is not used. What is up to {@value #READ} times as large is
 * read to its end, as a client that still sends hears an answer less well; what is larger is
 * refused while it comes, before it is in memory. Compressed requests count by what they hold.
 */
final class MessageSizes implements ServerInterceptor {
  private static final int READ = 4;

  /** Stands for a request that was not parsed. */
  private record Oversized(String bytes) {}

  private static final Logger log = LoggerFactory.getLogger(MessageSizes.class);

  private final int limit;

  MessageSizes(int limit) {
    this.limit = limit;
  }

  /** What counts requests while they come; to be told of every call. */
  ServerStreamTracer.Factory counter() {
    return IncomingMessage.upTo((long) READ * limit);
  }

  /** The same service with every request's size looked at before it is parsed. */
  ServerServiceDefinition measured(ServerServiceDefinition service) {
    ServiceDescriptor original = service.getServiceDescriptor();
    // Reflection reads the schema.
    ServiceDescriptor.Builder descriptor =
        ServiceDescriptor.newBuilder(original.getName())
            .setSchemaDescriptor(original.getSchemaDescriptor());
    List<ServerMethodDefinition<?, ?>> methods = new ArrayList<>();
    for (ServerMethodDefinition<?, ?> method : service.getMethods()) {
      ServerMethodDefinition<?, ?> measured = measured(method);
      methods.add(measured);
      descriptor.addMethod(measured.getMethodDescriptor());
    }
    ServerServiceDefinition.Builder measured = ServerServiceDefinition.builder(descriptor.build());
    methods.forEach(measured::addMethod);
    return measured.build();
  }

  private <Q, R> ServerMethodDefinition<Q, R> measured(ServerMethodDefinition<Q, R> method) {
    MethodDescriptor<Q, R> descriptor = method.getMethodDescriptor();
    return ServerMethodDefinition.create(
        descriptor.toBuilder(
                new Measuring<>(descriptor.getRequestMarshaller()),
                descriptor.getResponseMarshaller())
            .build(),
        method.getServerCallHandler());
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    AtomicBoolean refused = new AtomicBoolean();
    IncomingMessage.whenTooLarge(
        () -> refuse(call, refused, "more than " + (long) READ * limit + " bytes"));
    return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
      @Override
      public void onMessage(Q message) {
        // The marshaller gives an Oversized in a request's place, whatever the request's type is.
        Object received = message;
        if (received instanceof Oversized oversized) {
          refuse(call, refused, oversized.bytes());
        } else if (!refused.get()) {
          super.onMessage(message);
        }
      }

      @Override
      public void onHalfClose() {
        if (!refused.get()) {
          super.onHalfClose();
        }
      }
    };
  }

  private void refuse(ServerCall<?, ?> call, AtomicBoolean refused, String bytes) {
    if (refused.compareAndSet(false, true)) {
      StatusRuntimeException error = LoupeErrors.toStatusException(tooLarge(bytes));
      try {
        call.close(error.getStatus(), error.getTrailers());
      } catch (IllegalStateException e) {
        log.debug("the call ended before its too large request was refused", e);
      }
    }
  }

  private LoupeException tooLarge(String bytes) {
    return LoupeException.of(
            ErrorReason.MESSAGE_TOO_LARGE,
            "the request has " + bytes + "; send at most " + limit + ", or use a streaming call")
        .with("limit", limit);
  }

  private final class Measuring<Q> implements MethodDescriptor.Marshaller<Q> {
    private final MethodDescriptor.Marshaller<Q> delegate;

    Measuring(MethodDescriptor.Marshaller<Q> delegate) {
      this.delegate = delegate;
    }

    @Override
    public InputStream stream(Q value) {
      return delegate.stream(value);
    }

    @Override
    @SuppressWarnings("unchecked")
    public Q parse(InputStream stream) {
      try {
        if (stream instanceof KnownLength) {
          return stream.available() > limit
              ? (Q) new Oversized(stream.available() + " bytes")
              : delegate.parse(stream);
        }
        byte[] unpacked = stream.readNBytes(limit + 1);
        return unpacked.length > limit
            ? (Q) new Oversized("more than " + limit + " bytes when it is unpacked")
            : delegate.parse(new ByteArrayInputStream(unpacked));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
