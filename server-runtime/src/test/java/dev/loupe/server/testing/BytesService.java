package dev.loupe.server.testing;

import com.google.protobuf.ByteString;
import com.google.protobuf.BytesValue;
import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.util.Iterator;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** A service with one method of each kind over bytes, whose behaviour each test gives. */
public final class BytesService implements BindableService {
  public static final String NAME = "loupe.test.BytesService";
  public static final MethodDescriptor<BytesValue, BytesValue> UNARY =
      method("Unary", MethodDescriptor.MethodType.UNARY);
  public static final MethodDescriptor<BytesValue, BytesValue> SERVER_STREAM =
      method("ServerStream", MethodDescriptor.MethodType.SERVER_STREAMING);
  public static final MethodDescriptor<BytesValue, BytesValue> BIDI =
      method("Bidi", MethodDescriptor.MethodType.BIDI_STREAMING);

  private BiConsumer<BytesValue, StreamObserver<BytesValue>> unary =
      (request, responses) -> {
        responses.onNext(request);
        responses.onCompleted();
      };
  private BiConsumer<BytesValue, StreamObserver<BytesValue>> serverStream = unary;
  private Function<StreamObserver<BytesValue>, StreamObserver<BytesValue>> bidi =
      responses -> responses;

  public BytesService unary(BiConsumer<BytesValue, StreamObserver<BytesValue>> method) {
    this.unary = method;
    return this;
  }

  public BytesService serverStream(BiConsumer<BytesValue, StreamObserver<BytesValue>> method) {
    this.serverStream = method;
    return this;
  }

  public BytesService bidi(
      Function<StreamObserver<BytesValue>, StreamObserver<BytesValue>> method) {
    this.bidi = method;
    return this;
  }

  @Override
  public ServerServiceDefinition bindService() {
    return ServerServiceDefinition.builder(NAME)
        .addMethod(
            UNARY,
            ServerCalls.asyncUnaryCall((request, responses) -> unary.accept(request, responses)))
        .addMethod(
            SERVER_STREAM,
            ServerCalls.asyncServerStreamingCall(
                (request, responses) -> serverStream.accept(request, responses)))
        .addMethod(BIDI, ServerCalls.asyncBidiStreamingCall(responses -> bidi.apply(responses)))
        .build();
  }

  /** Calls the unary method and waits. */
  public static BytesValue call(Channel channel, BytesValue request) {
    return ClientCalls.blockingUnaryCall(channel, UNARY, CallOptions.DEFAULT, request);
  }

  /** Calls the server-streaming method and reads as it is asked to. */
  public static Iterator<BytesValue> stream(Channel channel, BytesValue request) {
    return ClientCalls.blockingServerStreamingCall(
        channel, SERVER_STREAM, CallOptions.DEFAULT, request);
  }

  public static BytesValue text(String text) {
    return BytesValue.of(ByteString.copyFromUtf8(text));
  }

  public static BytesValue bytes(int size) {
    return BytesValue.of(ByteString.copyFrom(new byte[size]));
  }

  private static MethodDescriptor<BytesValue, BytesValue> method(
      String name, MethodDescriptor.MethodType type) {
    return MethodDescriptor.<BytesValue, BytesValue>newBuilder()
        .setType(type)
        .setFullMethodName(MethodDescriptor.generateFullMethodName(NAME, name))
        .setRequestMarshaller(ProtoUtils.marshaller(BytesValue.getDefaultInstance()))
        .setResponseMarshaller(ProtoUtils.marshaller(BytesValue.getDefaultInstance()))
        .build();
  }
}
