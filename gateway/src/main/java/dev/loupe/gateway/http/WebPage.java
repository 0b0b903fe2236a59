package dev.loupe.gateway.http;

import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpMethod;
import com.linecorp.armeria.common.HttpRequest;
import com.linecorp.armeria.common.HttpResponse;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.HttpService;
import com.linecorp.armeria.server.HttpStatusException;
import com.linecorp.armeria.server.ServiceRequestContext;
import com.linecorp.armeria.server.file.FileService;
import io.grpc.Status;

/**
 * The page at {@code /}: a few files from the class path, which may load nothing from anywhere
 * else, be framed by nobody, and talk to this gateway only.
 */
final class WebPage implements HttpService {
  static final String CONTENT_SECURITY_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private static final String FOLDER = "dev/loupe/gateway/web";

  private final HttpService files =
      FileService.builder(WebPage.class.getClassLoader(), FOLDER)
          .addHeader(HttpHeaderNames.CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)
          .addHeader(HttpHeaderNames.REFERRER_POLICY, "no-referrer")
          .addHeader(HttpHeaderNames.X_CONTENT_TYPE_OPTIONS, "nosniff")
          .addHeader(HttpHeaderNames.CACHE_CONTROL, "no-cache")
          .build();

  @Override
  public HttpResponse serve(ServiceRequestContext ctx, HttpRequest request) throws Exception {
    if (RequestBounds.isGrpc(request.headers())) {
      // Everything that nothing else serves ends here; a gRPC client understands this answer only.
      return HttpResponse.of(
          ResponseHeaders.builder(HttpStatus.OK)
              .contentType(request.contentType())
              .add("grpc-status", String.valueOf(Status.Code.UNIMPLEMENTED.value()))
              .add("grpc-message", "the gateway has no method " + ctx.path())
              .endOfStream(true)
              .build());
    }
    if (request.method() != HttpMethod.GET && request.method() != HttpMethod.HEAD) {
      throw HttpStatusException.of(HttpStatus.METHOD_NOT_ALLOWED);
    }
    if (!exists(ctx.mappedPath())) {
      throw HttpStatusException.of(HttpStatus.NOT_FOUND);
    }
    return files.serve(ctx, request);
  }

  private static boolean exists(String path) {
    return path.equals("/") || WebPage.class.getClassLoader().getResource(FOLDER + path) != null;
  }
}
