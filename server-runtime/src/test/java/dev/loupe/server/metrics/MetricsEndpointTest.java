package dev.loupe.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.server.Channels;
import dev.loupe.server.LoupeService;
import dev.loupe.server.RunningServer;
import dev.loupe.server.ServerOptions;
import dev.loupe.server.ServiceHealth;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.testing.BytesService;
import dev.loupe.server.testing.Eventually;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class MetricsEndpointTest {
  private enum TestMetric implements MetricSpec {
    TOKENS("loupe.test.generated", Type.COUNTER, "tokens", "Tokens that were generated."),
    QUEUE("loupe.test.queue", Type.GAUGE, "requests", "Requests that wait."),
    BATCH("loupe.test.batch", Type.SUMMARY, "rows", "Rows of each batch."),
    PASS("loupe.test.pass.duration", Type.TIMER, "seconds", "Time of each forward pass.");

    private final String id;
    private final Type type;
    private final String unit;
    private final String help;

    TestMetric(String id, Type type, String unit, String help) {
      this.id = id;
      this.type = type;
      this.unit = unit;
      this.help = help;
    }

    @Override
    public String id() {
      return id;
    }

    @Override
    public Type type() {
      return type;
    }

    @Override
    public String unit() {
      return unit;
    }

    @Override
    public String help() {
      return help;
    }
  }

  private record Wrong(String id, Type type, String unit, String help) implements MetricSpec {}

  private static HttpResponse<String> get(int port, String path) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build();
    return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
  }

  private static String body(int port, String path) {
    try {
      return get(port, path).body();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aCatalogueIsScrapedUnderTheNamesItSays() throws Exception {
    AtomicInteger waiting = new AtomicInteger(3);
    try (MetricsEndpoint endpoint = new MetricsEndpoint().start("127.0.0.1", 0)) {
      TestMetric.TOKENS.counter(endpoint.registry(), "model", "a").increment(5);
      TestMetric.QUEUE.gauge(endpoint.registry(), waiting::get);
      TestMetric.BATCH.summary(endpoint.registry()).record(8);
      TestMetric.PASS.timer(endpoint.registry()).record(Duration.ofMillis(250));
      HttpResponse<String> scraped = get(endpoint.port(), "/metrics");
      assertThat(scraped.statusCode()).isEqualTo(200);
      assertThat(scraped.headers().firstValue("Content-Type"))
          .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain; version=0.0.4"));
      assertThat(scraped.body())
          .contains("loupe_test_generated_tokens_total{model=\"a\"} 5.0")
          .contains("# HELP loupe_test_generated_tokens_total Tokens that were generated.")
          .contains("loupe_test_queue_requests 3.0")
          .contains("loupe_test_batch_rows_sum 8.0")
          .contains("loupe_test_pass_duration_seconds_sum 0.25")
          .contains("jvm_memory_used_bytes")
          .contains("process_uptime_seconds");
      for (TestMetric metric : TestMetric.values()) {
        assertThat(scraped.body()).contains(MetricCatalogue.prometheusName(metric));
        assertThat(MetricCatalogue.markdown(List.of(TestMetric.values())))
            .contains("`" + MetricCatalogue.prometheusName(metric) + "`");
      }
      waiting.set(9);
      assertThat(get(endpoint.port(), "/metrics").body()).contains("loupe_test_queue_requests 9.0");
      assertThat(get(endpoint.port(), "/healthz").statusCode()).isEqualTo(200);
      assertThat(get(endpoint.port(), "/other").statusCode()).isEqualTo(404);
    }
  }

  @Test
  void aServerCountsAndTimesItsCallsByMethodAndStatus() throws Exception {
    BytesService bytes = new BytesService();
    LoupeService service =
        new LoupeService() {
          @Override
          public List<BindableService> services() {
            return List.of(bytes);
          }

          @Override
          public ServiceHealth check() {
            return ServiceHealth.warning("the disk is slow");
          }

          @Override
          public void close() {}
        };
    try (RunningServer server = RunningServer.start(new ServerOptions(0, 0), registry -> service)) {
      ManagedChannel channel = Channels.plaintext("127.0.0.1:" + server.port());
      BytesService.call(channel, BytesService.text("a"));
      BytesService.call(channel, BytesService.text("a"));
      bytes.unary(
          (request, responses) -> {
            throw LoupeException.of(ErrorReason.EMPTY_PROMPT, "prompt is empty");
          });
      assertThatThrownBy(() -> BytesService.call(channel, BytesService.text("a")))
          .hasMessageContaining("prompt is empty");
      Channels.close(channel);
      String scraped = get(server.metricsPort(), "/metrics").body();
      assertThat(line(scraped, "grpc_server_processing_duration_seconds_count", "Unary", "OK"))
          .endsWith(" 2");
      assertThat(
              line(
                  scraped,
                  "grpc_server_processing_duration_seconds_count",
                  "Unary",
                  "INVALID_ARGUMENT"))
          .endsWith(" 1");
      assertThat(scraped).contains("grpc_server_processing_duration_seconds_bucket");
      assertThat(
              line(
                  scraped, "grpc_server_requests_received_messages_total", "Unary", "BytesService"))
          .endsWith(" 3.0");
      Eventually.waitUntil(
          "what the service lacks is said",
          () -> body(server.metricsPort(), "/healthz").equals("warning: the disk is slow\n"));
    }
  }

  private static String line(String scraped, String... parts) {
    return scraped
        .lines()
        .filter(line -> List.of(parts).stream().allMatch(line::contains))
        .findFirst()
        .orElseThrow(() -> new AssertionError(List.of(parts) + " is not in:\n" + scraped));
  }

  @Test
  void aCatalogueWithMistakesIsTold() {
    assertThat(MetricCatalogue.problems(List.of(TestMetric.values()))).isEmpty();
    assertThat(
            MetricCatalogue.problems(
                List.of(
                    new Wrong(
                        "loupe.a", MetricSpec.Type.TIMER, "milliseconds", "How long it takes."),
                    new Wrong("loupe.a", MetricSpec.Type.COUNTER, "bytes", "Bytes that went out."),
                    new Wrong("tokens", MetricSpec.Type.COUNTER, "tokens", "Tokens that came."),
                    new Wrong("loupe.sent.bytes", MetricSpec.Type.COUNTER, "bytes", "short"))))
        .hasSize(6);
  }

  @Test
  void aMeterOfAnotherTypeIsRefused() {
    assertThatThrownBy(() -> TestMetric.TOKENS.timer(new SimpleMeterRegistry()))
        .hasMessageContaining("loupe.test.generated is a COUNTER, not a TIMER");
  }

  @Test
  void aLongBodyIsNotReadAndSlowClientsDoNotKeepOthersOut() throws Exception {
    try (MetricsEndpoint endpoint = new MetricsEndpoint().start("127.0.0.1", 0);
        Socket first = new Socket("127.0.0.1", endpoint.port());
        Socket second = new Socket("127.0.0.1", endpoint.port());
        Socket post = new Socket("127.0.0.1", endpoint.port())) {
      for (Socket silent : List.of(first, second)) {
        silent.getOutputStream().write("GET /metr".getBytes(StandardCharsets.US_ASCII));
      }
      post.setSoTimeout(20_000);
      // Nothing of the body is sent: who waits for it waits for ever.
      post.getOutputStream()
          .write(
              "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1500000000\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      String answer =
          new BufferedReader(
                  new InputStreamReader(post.getInputStream(), StandardCharsets.US_ASCII))
              .readLine();
      assertThat(answer).contains(" 405 ");
      assertThat(get(endpoint.port(), "/metrics").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void aMetricsPortThatCannotBeIsToldInASentence() {
    assertThatThrownBy(() -> new MetricsEndpoint().start("127.0.0.1", 99_999))
        .isInstanceOf(LoupeException.class)
        .hasMessage("metrics-port is 99999; give 0 to 65535");
  }

  @Test
  void aMetricsPortInUseIsNamedAndTheGrpcPortNotTaken() throws Exception {
    try (MetricsEndpoint first = new MetricsEndpoint().start("127.0.0.1", 0)) {
      assertThatThrownBy(
              () ->
                  RunningServer.start(
                      new ServerOptions(0, first.port()),
                      registry -> {
                        throw new AssertionError("the service is not made");
                      }))
          .isInstanceOfSatisfying(
              LoupeException.class, e -> assertThat(e.reason()).isEqualTo(ErrorReason.PORT_IN_USE))
          .hasMessageContaining("port " + first.port());
    }
  }
}
