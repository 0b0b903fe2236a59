package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.loupe.gateway.fakes.FakeInference;
import dev.loupe.gateway.fakes.FakeLoupe;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls in which the server streams, as JSON. */
@Timeout(60)
class JsonStreamTest {
  private static final String PATH = "/v1/models/demo:generateText";
  private static final String BROKEN = "{\"maxNewTokens\": 3, \"seed\": 13}";

  @RegisterExtension static final FakeLoupe loupe = new FakeLoupe();

  @Test
  void anObjectALine() {
    HttpResponse<String> response = loupe.post(PATH, "{\"maxNewTokens\": 3}");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(header(response, "content-type")).isEqualTo("application/x-ndjson");
    assertThat(header(response, "cache-control")).isEqualTo("no-store");
    assertThat(response.body()).endsWith("}\n");
    assertThat(response.body().lines())
        .extracting(line -> json(line).get("text").getAsString())
        .containsExactly("t0", "t1", "t2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"*/*", "application/*, */*;q=0.5", "application/x-ndjson"})
  void linesUnlessEventsAreNamed(String accept) {
    HttpResponse<String> response =
        loupe.post(PATH, "{}", Map.of("Content-Type", "application/json", "Accept", accept));
    assertThat(header(response, "content-type")).isEqualTo("application/x-ndjson");
  }

  @Test
  void noMessagesAreAnEmptyBody() {
    HttpResponse<String> response = loupe.post(PATH, "");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEmpty();
  }

  @Test
  void anErrorEndsABrokenStream() {
    HttpResponse<String> response = loupe.post(PATH, BROKEN);
    assertThat(response.statusCode()).isEqualTo(200);
    List<String> lines = response.body().lines().toList();
    assertThat(lines).hasSize(4);
    JsonObject error = json(lines.get(3)).getAsJsonObject("error");
    assertThat(error.get("code").getAsInt()).isEqualTo(429);
    assertThat(error.get("status").getAsString()).isEqualTo("RESOURCE_EXHAUSTED");
    JsonObject info = error.getAsJsonArray("details").get(0).getAsJsonObject();
    assertThat(info.get("reason").getAsString()).isEqualTo("OUT_OF_BUDGET");
    assertThat(info.getAsJsonObject("metadata").get("fits").getAsString()).isEqualTo("3");
  }

  @Test
  void anErrorBeforeTheFirstMessageIsTheAnswer() {
    HttpResponse<String> response = loupe.post("/v1/models/nope:generateText", "{}");
    assertThat(response.statusCode()).isEqualTo(404);
    assertThat(header(response, "content-type")).isEqualTo("application/json; charset=utf-8");
    assertThat(json(response.body()).getAsJsonObject("error").get("message").getAsString())
        .isEqualTo("models/nope is not loaded");
    assertThat(response.body()).contains("MODEL_NOT_FOUND");
  }

  @Test
  void serverSentEventsWhereTheyAreAskedFor() {
    Map<String, String> headers =
        Map.of("Content-Type", "application/json", "Accept", "text/event-stream");
    HttpResponse<String> response = loupe.post(PATH, BROKEN, headers);
    assertThat(header(response, "content-type")).startsWith("text/event-stream");
    String[] events = response.body().split("\n\n");
    assertThat(events).hasSize(4);
    for (int i = 0; i < 3; i++) {
      assertThat(events[i]).startsWith("data: {").doesNotContain("\n");
      assertThat(json(events[i].substring(6)).get("id").getAsInt()).isEqualTo(i);
    }
    assertThat(events[3]).startsWith("event: error\ndata: {\"error\":");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{", "[]", "{\"maxNewTokens\": \"many\"}", "{\"maxTokens\": 3}"})
  void refusesWhatIsNoRequest(String body) {
    HttpResponse<String> response = loupe.post(PATH, body);
    assertThat(response.statusCode()).as(response.body()).isEqualTo(400);
    assertThat(response.body()).contains("cannot be read").contains("INVALID_VALUE");
  }

  @Test
  void takesNothingButJsonAndNotTooMuchOfIt() {
    HttpResponse<String> text = loupe.post(PATH, "{}", Map.of("Content-Type", "text/plain"));
    assertThat(text.statusCode()).isEqualTo(400);
    assertThat(text.body()).contains("application/json");
    HttpResponse<String> large =
        loupe.post(PATH, "{\"stopStrings\": [\"" + "x".repeat(9 << 20) + "\"]}");
    assertThat(large.statusCode()).isEqualTo(413);
    assertThat(large.body()).contains("MESSAGE_TOO_LARGE");
    assertThat(loupe.get(PATH).statusCode()).isIn(404, 405);
  }

  @Test
  void messagesComeAsTheyAreMadeAndAsFastAsTheyAreRead() throws Exception {
    try (Socket socket = endless()) {
      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      assertThat(nextId(lines)).isZero();
      long sent = Settled.value(loupe.inference.chunksSent::get);
      // The windows and buffers of two connections; without flow control it would be endless.
      assertThat(sent * FakeInference.CHUNK).isLessThan(24L << 20);
      for (int i = 1; i < 200; i++) {
        assertThat(nextId(lines)).isEqualTo(i);
      }
      assertThat(loupe.inference.cancelled.getCount()).isEqualTo(1);
    }
    assertThat(loupe.inference.cancelled.await(20, TimeUnit.SECONDS)).isTrue();
  }

  private static Socket endless() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), loupe.port());
    socket
        .getOutputStream()
        .write(
            ("POST /v1/models/endless:generateText HTTP/1.1\r\nHost: localhost\r\n"
                    + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
                .getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  /** The id of the next message, whatever of HTTP stands around it. */
  private static int nextId(BufferedReader lines) throws IOException {
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.startsWith("{")) {
        return json(line).get("id").getAsInt();
      }
    }
    throw new AssertionError("the stream is over");
  }

  private static JsonObject json(String text) {
    return JsonParser.parseString(text).getAsJsonObject();
  }

  private static String header(HttpResponse<String> response, String name) {
    return response.headers().firstValue(name).orElse("");
  }
}
