package dev.loupe.server.testing;

import com.google.protobuf.BytesValue;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A client that reads only what it asks for, on any method over bytes. */
public final class BidiClient {
  private final ClientCall<BytesValue, BytesValue> call;
  private final BlockingQueue<BytesValue> responses = new LinkedBlockingQueue<>();
  private final CompletableFuture<StatusRuntimeException> end = new CompletableFuture<>();

  public BidiClient(Channel channel, MethodDescriptor<BytesValue, BytesValue> method) {
    call = channel.newCall(method, CallOptions.DEFAULT);
    call.start(
        new ClientCall.Listener<>() {
          @Override
          public void onMessage(BytesValue message) {
            responses.add(message);
          }

          @Override
          public void onClose(Status status, Metadata trailers) {
            end.complete(status.asRuntimeException(trailers));
          }
        },
        new Metadata());
  }

  public BidiClient send(BytesValue message) {
    call.sendMessage(message);
    return this;
  }

  /** Whether the transport would take more at once. */
  public boolean isReady() {
    return call.isReady();
  }

  public BidiClient halfClose() {
    call.halfClose();
    return this;
  }

  /** Reads one response. */
  public BytesValue read() throws InterruptedException {
    call.request(1);
    BytesValue message = responses.poll(20, TimeUnit.SECONDS);
    if (message == null) {
      throw new AssertionError("no response came");
    }
    return message;
  }

  public void cancel() {
    call.cancel("the test is done", null);
  }

  /** The end of the call; OK for a good one. */
  public StatusRuntimeException end() throws Exception {
    return end.get(20, TimeUnit.SECONDS);
  }
}
