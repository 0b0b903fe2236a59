package dev.loupe.sae;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.proto.sae.v1.SaeServiceGrpc;
import dev.loupe.server.Channels;
import dev.loupe.server.GrpcServer;
import dev.loupe.server.ServerOptions;
import io.grpc.ManagedChannel;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The service says what it lacks; only without its folder can it not work. */
class HealthTest {
  @TempDir Path folder;

  @Test
  void isUnwellWithoutItsFolderAndWellWithoutTheOtherServices() throws Exception {
    Path data = folder.resolve("sae");
    ManagedChannel channel = null;
    try (SaeServer server =
        SaeServer.start(
            SaeConfig.of(data, "127.0.0.1:1", "127.0.0.1:1"), new ServerOptions(0, 0))) {
      channel = Channels.plaintext(server.target());
      Path moved = Files.move(data, folder.resolve("moved"));
      awaitHealth(channel, ServingStatus.NOT_SERVING);
      assertThat(status(channel, GrpcServer.LIVENESS)).isEqualTo(ServingStatus.SERVING);
      Files.move(moved, data);
      awaitHealth(channel, ServingStatus.SERVING);
      assertThat(healthz(server.metricsPort()))
          .contains("warning: the inference service cannot be reached")
          .contains("warning: the feature store cannot be reached");
    } finally {
      if (channel != null) {
        Channels.close(channel);
      }
    }
  }

  /** Waits for what health's stream says next, which it does when something changes. */
  private static void awaitHealth(ManagedChannel channel, ServingStatus expected) {
    Iterator<HealthCheckResponse> words =
        HealthGrpc.newBlockingStub(channel)
            .withDeadlineAfter(60, TimeUnit.SECONDS)
            .watch(request(SaeServiceGrpc.SERVICE_NAME));
    ServingStatus said = words.next().getStatus();
    while (said != expected) {
      said = words.next().getStatus();
    }
  }

  private static ServingStatus status(ManagedChannel channel, String service) {
    return HealthGrpc.newBlockingStub(channel).check(request(service)).getStatus();
  }

  private static HealthCheckRequest request(String service) {
    return HealthCheckRequest.newBuilder().setService(service).build();
  }

  private static String healthz(int port) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/healthz")).build();
    return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
  }
}
