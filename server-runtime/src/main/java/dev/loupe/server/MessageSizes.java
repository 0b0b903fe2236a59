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
import io.grpc.ServiceDescriptor;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Refuses requests over a size with RESOURCE_EXHAUSTED (MESSAGE_TOO_LARGE). gRPC's own limit ends
 * the call with no details, so it stands at {@link #transportLimit} above this one, and requests
 * between the two get the full error.
 */
final class MessageSizes implements ServerInterceptor {
  /** Stands for a request that was not parsed. */
  private record Oversized(long bytes) {}

  private final int limit;

  MessageSizes(int limit) {
    this.limit = limit;
  }

  /** The limit for gRPC itself. */
  int transportLimit() {
    return (int) Math.min(Integer.MAX_VALUE, 4L * limit);
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
    return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
      private boolean refused;

      @Override
      public void onMessage(Q message) {
        // The marshaller gives an Oversized in a request's place, whatever the request's type is.
        Object received = message;
        if (received instanceof Oversized oversized) {
          refused = true;
          StatusRuntimeException error = LoupeErrors.toStatusException(tooLarge(oversized.bytes()));
          call.close(error.getStatus(), error.getTrailers());
        } else if (!refused) {
          super.onMessage(message);
        }
      }

      @Override
      public void onHalfClose() {
        if (!refused) {
          super.onHalfClose();
        }
      }
    };
  }

  private LoupeException tooLarge(long bytes) {
    return LoupeException.of(
            ErrorReason.MESSAGE_TOO_LARGE,
            "the request has "
                + bytes
                + " bytes; send at most "
                + limit
                + ", or use a streaming call")
        .with("bytes", bytes)
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
        if (stream instanceof KnownLength && stream.available() > limit) {
          return (Q) new Oversized(stream.available());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return delegate.parse(stream);
    }
  }
}
