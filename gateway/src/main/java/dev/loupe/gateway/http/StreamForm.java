package dev.loupe.gateway.http;

import com.google.gson.JsonObject;
import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.RequestHeaders;
import com.linecorp.armeria.common.ResponseHeaders;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** How the messages of a stream stand one after another. */
enum StreamForm {
  /**
   * Newline-delimited JSON: an object a line. An object with {@code error} ends a broken stream.
   */
  LINES(MediaType.create("application", "x-ndjson"), "", "", "\n"),
  /**
   * Server-sent events, as the HTML standard has them; an event named error ends a broken stream.
   */
  EVENTS(MediaType.EVENT_STREAM, "data: ", "event: error\ndata: ", "\n\n");

  private final MediaType type;
  private final String before;
  private final String beforeError;
  private final String after;

  StreamForm(MediaType type, String before, String beforeError, String after) {
    this.type = type;
    this.before = before;
    this.beforeError = beforeError;
    this.after = after;
  }

  /** What a request's Accept header asks for; lines unless it names events. */
  static StreamForm of(RequestHeaders request) {
    return request.accept().stream().anyMatch(type -> type.is(EVENTS.type)) ? EVENTS : LINES;
  }

  /** Headers of a stream that began well; nobody on the way may keep or gather it. */
  ResponseHeaders headers() {
    return ResponseHeaders.builder(HttpStatus.OK)
        .contentType(type)
        .add(HttpHeaderNames.CACHE_CONTROL, "no-store")
        .add(HttpHeaderNames.of("x-accel-buffering"), "no")
        .build();
  }

  /** A message, whose JSON holds no line break. */
  HttpData message(ByteArrayOutputStream json) {
    return framed(before, json.toString(StandardCharsets.UTF_8));
  }

  /** The error that ends a stream. */
  HttpData error(JsonObject error) {
    return framed(beforeError, error.toString());
  }

  private HttpData framed(String start, String json) {
    return HttpData.ofUtf8(start + json + after);
  }
}
