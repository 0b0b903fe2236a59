package dev.loupe.gateway.fakes;

import dev.loupe.gateway.GatewayServer;
import dev.loupe.server.Channels;
import dev.loupe.server.GrpcServer;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.ServerInterceptors;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Three small services and a gateway before them, all on sockets of their own, for all tests of a
 * class.
 */
public final class FakeLoupe implements BeforeAllCallback, BeforeEachCallback, AfterAllCallback {
  public FakeInference inference;
  public FakeSae sae;
  public FakeFeatures features;
  public SimpleMeterRegistry registry;

  private GrpcServer inferenceServer;
  private GrpcServer saeServer;
  private GrpcServer featureServer;
  private GatewayServer gateway;
  private ManagedChannel channel;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @Override
  public void beforeAll(ExtensionContext context) {
    inference = new FakeInference();
    sae = new FakeSae();
    features = new FakeFeatures();
    registry = new SimpleMeterRegistry();
    inferenceServer =
        GrpcServer.builder()
            .port(0)
            .service(() -> ServerInterceptors.intercept(inference, new CallFacts()))
            .start();
    saeServer = GrpcServer.builder().port(0).service(sae).service(new FakeOperations()).start();
    featureServer = serveFeatures(0);
    gateway =
        GatewayServer.builder()
            .port(0)
            .inference("127.0.0.1:" + inferenceServer.port())
            .sae("127.0.0.1:" + saeServer.port())
            .featureStore("127.0.0.1:" + featureServer.port())
            .registry(registry)
            .start();
    channel = Channels.plaintext("127.0.0.1:" + gateway.port());
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    inference.reset();
    sae.reset();
  }

  @Override
  public void afterAll(ExtensionContext context) {
    channel.shutdownNow();
    gateway.close();
    sae.read.countDown();
    inferenceServer.close();
    saeServer.close();
    featureServer.close();
  }

  /** The gateway's port. */
  public int port() {
    return gateway.port();
  }

  /** A channel to the gateway. */
  public ManagedChannel channel() {
    return channel;
  }

  /** Ends the feature store; gives its port. */
  public int stopFeatures() {
    int port = featureServer.port();
    featureServer.close();
    return port;
  }

  /** Serves the feature store again, and waits until the gateway has found it. */
  public void startFeaturesAgain(int port) {
    featureServer = serveFeatures(port);
    for (int tries = 0; get("/v1/dictionaries/x/features").statusCode() != 200; tries++) {
      if (tries == 100) {
        throw new IllegalStateException("the gateway does not find the feature store again");
      }
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** GETs a path. */
  public HttpResponse<String> get(String path) {
    return send(HttpRequest.newBuilder(uri(path)).build());
  }

  /** DELETEs a path. */
  public HttpResponse<String> delete(String path) {
    return send(HttpRequest.newBuilder(uri(path)).DELETE().build());
  }

  /** POSTs JSON to a path. */
  public HttpResponse<String> post(String path, String json) {
    return post(path, json, Map.of("Content-Type", "application/json"));
  }

  /** POSTs text to a path with these headers. */
  public HttpResponse<String> post(String path, String body, Map<String, String> headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri(path)).POST(BodyPublishers.ofString(body));
    headers.forEach(request::header);
    return send(request.build());
  }

  /** Where a path is. */
  public URI uri(String path) {
    return URI.create("http://127.0.0.1:" + port() + path);
  }

  /** Sends a request of any kind. */
  public HttpResponse<String> send(HttpRequest request) {
    try {
      return http.send(request, BodyHandlers.ofString());
    } catch (IOException e) {
      throw new IllegalStateException(request + " failed", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private GrpcServer serveFeatures(int port) {
    BindableService service = features;
    return GrpcServer.builder().port(port).service(service).start();
  }
}
