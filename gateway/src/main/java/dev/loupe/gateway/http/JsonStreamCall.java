package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpObject;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.common.util.SafeCloseable;
import com.linecorp.armeria.server.ServiceRequestContext;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.Attributes;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A call of one request and many responses whose client speaks JSON: messages are written as they
 * come, as fast as the client reads, and its going away cancels the call. An error before the first
 * message is the whole answer, with its HTTP status; a later one stands at the end of the stream.
 */
final class JsonStreamCall<Q, R> extends ServerCall<Q, R> {
  private final ServiceRequestContext ctx;
  private final MethodDescriptor<Q, R> method;
  private final RawJson json;
  private final StreamForm form;
  private final HttpResponseWriter response = HttpResponse.streaming();
  private final AtomicInteger unread = new AtomicInteger();
  private Listener<Q> listener = new Listener<>() {};
  private boolean begun;
  private volatile boolean closed;
  private volatile boolean cancelled;

  JsonStreamCall(
      ServiceRequestContext ctx, MethodDescriptor<Q, R> method, RawJson json, StreamForm form) {
    this.ctx = ctx;
    this.method = method;
    this.json = json;
    this.form = form;
  }

  /** Makes the call, on the context's event loop. */
  HttpResponse start(ServerCallHandler<Q, R> handler, Metadata headers, Q request) {
    response
        .whenComplete()
        .exceptionally(
            gone -> {
              listen(this::cancelIfOpen);
              return null;
            });
    try (SafeCloseable ignored = ctx.push()) {
      listener = handler.startCall(this, headers);
      listener.onReady();
      listener.onMessage(request);
      listener.onHalfClose();
    } catch (RuntimeException e) {
      StatusRuntimeException error = LoupeErrors.toStatusException(e);
      close(error.getStatus(), error.getTrailers());
    }
    return response;
  }

  /** The one request is there already. */
  @Override
  public void request(int messages) {}

  /** HTTP's own headers wait for the first message, as an error may come in its place. */
  @Override
  public void sendHeaders(Metadata headers) {}

  @Override
  public void sendMessage(R message) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try {
      json.serializeMessage(method.getResponseMarshaller(), message, text);
    } catch (IOException e) {
      throw new UncheckedIOException("a response has no JSON form", e);
    }
    unread.incrementAndGet();
    if (begin() && response.tryWrite(form.message(text))) {
      response.whenConsumed().thenRun(() -> listen(this::readyIfAllIsRead));
    }
  }

  @Override
  public boolean isReady() {
    return !closed && !cancelled && unread.get() == 0;
  }

  @Override
  public void close(Status status, Metadata trailers) {
    if (closed || cancelled) {
      return;
    }
    closed = true;
    if (!status.isOk()) {
      writeError(StatusProto.fromStatusAndTrailers(status, trailers));
    } else {
      begin();
    }
    response.close();
    listen(() -> listener.onComplete());
  }

  @Override
  public boolean isCancelled() {
    return cancelled;
  }

  @Override
  public MethodDescriptor<Q, R> getMethodDescriptor() {
    return method;
  }

  @Override
  public Attributes getAttributes() {
    return Attributes.EMPTY;
  }

  @Override
  public String getAuthority() {
    return ctx.request().authority();
  }

  private boolean begin() {
    if (begun) {
      return true;
    }
    begun = true;
    return response.tryWrite(form.headers());
  }

  private void writeError(com.google.rpc.Status error) {
    HttpStatus http = ErrorResponses.http(ctx, error);
    if (begun) {
      write(form.error(ErrorResponses.json(http, error)));
      return;
    }
    write(ResponseHeaders.builder(http).contentType(MediaType.JSON_UTF_8).build());
    write(HttpData.ofUtf8(ErrorResponses.json(http, error).toString()));
  }

  /** A client that is gone needs no answer. */
  private void write(HttpObject part) {
    if (!response.tryWrite(part)) {
      response.close();
    }
  }

  private void cancelIfOpen() {
    if (!closed && !cancelled) {
      cancelled = true;
      listener.onCancel();
    }
  }

  private void readyIfAllIsRead() {
    if (unread.decrementAndGet() == 0 && !closed && !cancelled) {
      listener.onReady();
    }
  }

  /** A listener hears one thing after another. */
  private void listen(Runnable event) {
    ctx.eventLoop().execute(event);
  }
}
