package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.server.DecoratingHttpServiceFunction;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.HttpStatusException;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionException;

/**
 * Refuses JSON requests that are not UTF-8: the server's reader of JSON would put U+FFFD for what
 * it cannot read, and go on. They are read whole before they reach a call in any case.
 */
final class Utf8Bodies implements DecoratingHttpServiceFunction {
  private static final int CHARACTERS_AT_ONCE = 8_192;

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
    CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    ByteBuffer in = ByteBuffer.wrap(content);
    CharBuffer out = CharBuffer.allocate(CHARACTERS_AT_ONCE);
    CoderResult result;
    do {
      result = decoder.decode(in, out.clear(), true);
    } while (result.isOverflow());
    if (result.isError()) {
      String what = "its body is not UTF-8 text: byte 0x%02X at offset %d";
      int at = in.position();
      throw HttpStatusException.of(
          HttpStatus.BAD_REQUEST,
          new IllegalArgumentException(what.formatted(content[at] & 0xFF, at)));
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
