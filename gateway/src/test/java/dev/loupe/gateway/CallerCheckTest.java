package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.gateway.fakes.FakeLoupe;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A page that a browser was led to open can make it call the gateway; the gateway tells by name.
 */
class CallerCheckTest {
  private static final Pattern LENGTH = Pattern.compile("(?i)content-length: (\\d+)");

  @RegisterExtension static final FakeLoupe loupe = new FakeLoupe();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "evil.example",
        "evil.example:%d",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "notlocalhost",
        "",
        "a b",
      })
  void refusesNamesThatAreNotItsOwn(String host) throws IOException {
    for (String request :
        List.of(
            "GET / HTTP/1.1",
            "GET /v1/models HTTP/1.1",
            "POST /v1/models/demo:tokenize HTTP/1.1",
            "DELETE /v1/dictionaries/demo/features/5 HTTP/1.1")) {
      String answer = raw(request, host.formatted(loupe.port()), Map.of());
      assertThat(answer).as(request + ", Host: " + host).matches("(?s)HTTP/1.1 (403|400) .*");
      if (answer.startsWith("HTTP/1.1 403")) {
        assertThat(answer).contains("HOST_NOT_ALLOWED").contains("--allow-host=");
      }
    }
    assertThat(loupe.features.deleted).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost",
        "localhost:%d",
        "LOCALHOST.",
        "loupe.localhost:%d",
        "127.0.0.1:%d",
        "127.8.8.8",
        "[::1]:%d",
        "10.1.2.3:8080",
        "[fd00::7]:8080",
      })
  void answersToLoopbackNamesAndToAddresses(String host) throws IOException {
    assertThat(raw("GET /v1/models HTTP/1.1", host.formatted(loupe.port()), Map.of()))
        .startsWith("HTTP/1.1 200");
  }

  @ParameterizedTest
  @CsvSource({
    "https://evil.example, 403",
    "http://localhost.evil.example, 403",
    "null, 403",
    "not a url, 403",
    "http://localhost:3000, 200",
    "http://127.0.0.1:5173, 200",
    "http://[::1]:5173, 200",
  })
  void refusesPagesThatMayNotCall(String origin, int status) throws IOException {
    for (String request :
        List.of("GET /v1/models HTTP/1.1", "POST /v1/models/demo:tokenize HTTP/1.1")) {
      String answer = raw(request, "127.0.0.1:" + loupe.port(), Map.of("Origin", origin));
      assertThat(answer).as(request).startsWith("HTTP/1.1 " + status);
      if (status == 403) {
        assertThat(answer).contains("ORIGIN_NOT_ALLOWED").contains("--allow-origin=");
      }
    }
    String delete =
        raw(
            "DELETE /v1/dictionaries/demo/features/7 HTTP/1.1",
            "127.0.0.1:" + loupe.port(),
            Map.of("Origin", origin));
    assertThat(delete).startsWith("HTTP/1.1 " + status);
    assertThat(loupe.features.deleted.remove("dictionaries/demo/features/7"))
        .isEqualTo(status == 200);
  }

  @Test
  void itsOwnPageMayCallUnderWhateverAddress() throws IOException {
    String own = "10.1.2.3:8080";
    assertThat(raw("GET /v1/models HTTP/1.1", own, Map.of("Origin", "http://" + own)))
        .startsWith("HTTP/1.1 200");
    assertThat(raw("GET /v1/models HTTP/1.1", own, Map.of("Origin", "http://10.1.2.3:9090")))
        .startsWith("HTTP/1.1 403");
  }

  @Test
  void saysItToGrpcInItsOwnWay() throws IOException {
    String answer =
        raw(
            "POST /loupe.inference.v1.InferenceService/ListModels HTTP/1.1",
            "evil.example",
            Map.of("Content-Type", "application/grpc-web+proto"));
    assertThat(answer).startsWith("HTTP/1.1 200").contains("grpc-status: 7");
  }

  /** Sends a request as it is: Java's own client lets nobody choose the Host. */
  private static String raw(String request, String host, Map<String, String> headers)
      throws IOException {
    String body = request.startsWith("POST") ? "{\"texts\": []}" : "";
    StringBuilder text = new StringBuilder(request + "\r\nHost: " + host + "\r\n");
    headers.forEach((name, value) -> text.append(name + ": " + value + "\r\n"));
    if (!headers.containsKey("Content-Type")) {
      text.append("Content-Type: application/json\r\n");
    }
    text.append("Content-Length: " + body.length() + "\r\nConnection: close\r\n\r\n" + body);
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), loupe.port())) {
      socket.getOutputStream().write(text.toString().getBytes(StandardCharsets.UTF_8));
      socket.getOutputStream().flush();
      return answer(socket.getInputStream());
    }
  }

  /** An answer with its body; Armeria takes seconds to close a connection after the last one. */
  private static String answer(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      assertThat(next).as("after " + head).isNotNegative();
      head.append((char) next);
    }
    Matcher length = LENGTH.matcher(head);
    byte[] body = in.readNBytes(length.find() ? Integer.parseInt(length.group(1)) : 0);
    return head + new String(body, StandardCharsets.UTF_8);
  }
}
