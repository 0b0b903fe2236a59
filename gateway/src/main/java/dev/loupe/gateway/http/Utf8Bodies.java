package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.DecoratingHttpServiceFunction;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.HttpStatusException;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionException;

/**
 * Refuses JSON requests that are not UTF-8: the server's reader of JSON would put U+FFFD for what
 * it cannot read, and go on. They are read whole before they reach a call in any case.
 */
final class Utf8Bodies implements DecoratingHttpServiceFunction {
  @Override
  public HttpResponse serve(HttpService delegate, ServiceRequestContext ctx, HttpRequest request)
      throws Exception {
    if (RequestBounds.isGrpc(request.headers())) {
      return delegate.serve(ctx, request);
    }
    return HttpResponse.of(
        request
            .aggregate()
            .thenApply(
                whole -> {
                  check(whole.content().array());
                  HttpRequest again = whole.toHttpRequest();
                  ctx.updateRequest(again);
                  return serveAgain(delegate, ctx, again);
                }));
  }

  private static void check(byte[] content) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)); // reports errors
    } catch (CharacterCodingException e) {
      throw HttpStatusException.of(
          HttpStatus.BAD_REQUEST, new IllegalArgumentException("its body is not UTF-8 text", e));
    }
  }

  private static HttpResponse serveAgain(
      HttpService delegate, ServiceRequestContext ctx, HttpRequest request) {
    try {
      return delegate.serve(ctx, request);
    } catch (Exception e) {
      throw new CompletionException(e);
    }
  }
}
