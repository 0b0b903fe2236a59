package dev.loupe.inference.grpc.requests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.ListModelsResponse;
import dev.loupe.server.Channels;
import dev.loupe.server.GatewayKey;
import dev.loupe.server.GrpcServer;
import dev.loupe.server.errors.LoupeException;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose a call is taken to be, over a real socket. */
class TenantsTest {
  private static final String SECRET = "correct-horse-battery";
  private static final String LOOPBACK = "127.0.0.1";

  @TempDir Path folder;
  private final BlockingQueue<String> seen = new LinkedBlockingQueue<>();

  @Test
  void withoutAKeyTheHeaderIsBelieved() throws Exception {
    assertThat(tenant(null, "ann", null)).isEqualTo("ann");
    assertThat(tenant(null, null, null)).isEqualTo(LOOPBACK);
  }

  @Test
  void withAKeyTheHeaderCountsOnlyInCallsThatBringIt() throws Exception {
    GatewayKey key = key(SECRET);
    assertThat(tenant(key, "ann", SECRET)).isEqualTo("ann");
    assertThat(tenant(key, "ann", null)).isEqualTo(LOOPBACK);
    assertThat(tenant(key, "ann", SECRET + "x")).isEqualTo(LOOPBACK);
    assertThat(tenant(key, null, SECRET)).isEqualTo(LOOPBACK);
  }

  @Test
  void aKeyThatIsNoneIsRefused() {
    assertThat(GatewayKey.read(null)).isNull();
    for (String bad : new String[] {"", "short", "x".repeat(257), "sixteen and a space"}) {
      assertThatThrownBy(() -> key(bad))
          .isInstanceOf(LoupeException.class)
          .hasMessageContaining("16 to 256 printable ASCII characters");
    }
    assertThatThrownBy(() -> GatewayKey.read(folder.resolve("nowhere")))
        .hasMessageContaining("cannot be read");
  }

  private GatewayKey key(String secret) throws Exception {
    return GatewayKey.read(Files.writeString(folder.resolve("key"), secret + "\n"));
  }

  private String tenant(GatewayKey key, String said, String secret) throws Exception {
    InferenceServiceGrpc.InferenceServiceImplBase service =
        new InferenceServiceGrpc.InferenceServiceImplBase() {
          @Override
          public void listModels(
              ListModelsRequest request, StreamObserver<ListModelsResponse> responses) {
            seen.add(Tenants.current().tenant());
            responses.onNext(ListModelsResponse.getDefaultInstance());
            responses.onCompleted();
          }
        };
    GrpcServer.Builder builder = GrpcServer.builder();
    Tenants.known(8, key, service).forEach(builder::service);
    try (GrpcServer server = builder.start()) {
      ManagedChannel channel = Channels.plaintext(LOOPBACK + ":" + server.port());
      Metadata headers = new Metadata();
      if (said != null) {
        headers.put(GatewayKey.TENANT, said);
      }
      if (secret != null) {
        headers.put(GatewayKey.HEADER, secret);
      }
      InferenceServiceGrpc.newBlockingStub(channel)
          .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
          .listModels(ListModelsRequest.getDefaultInstance());
      Channels.close(channel);
      return seen.remove();
    }
  }
}
