package dev.loupe.gateway.fakes;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/** Lets a fake service tell what it saw of a call beside the message. */
public final class CallFacts implements ServerInterceptor {
  private static final Context.Key<Metadata> HEADERS = Context.key("headers");

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    return Contexts.interceptCall(
        Context.current().withValue(HEADERS, headers), call, headers, next);
  }

  /** The metadata keys, the value of {@code x-trace}, and whether a deadline came along. */
  static String current() {
    Metadata headers = HEADERS.get();
    Deadline deadline = Context.current().getDeadline();
    return "keys="
        + new TreeSet<>(headers.keys())
        + " x-trace="
        + headers.get(Metadata.Key.of("x-trace", Metadata.ASCII_STRING_MARSHALLER))
        + " deadline="
        + (deadline == null
            ? "none"
            : deadline.timeRemaining(TimeUnit.SECONDS) < 100 ? "near" : "far");
  }
}
