package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.ListModelsResponse;
import dev.loupe.server.Channels;
import dev.loupe.server.GatewayKey;
import dev.loupe.server.GrpcServer;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose calls the gateway tells the services behind it that they are. */
class TenancyTest {
  private static final String SECRET = "correct-horse-battery";
  @TempDir Path folder;
  private final BlockingQueue<Metadata> seen = new LinkedBlockingQueue<>();

  @Test
  void withoutAKeyWhatTheCallerSaysIsPassedOnElseItsAddress() throws Exception {
    assertThat(through(null, "ann", null).get(GatewayKey.TENANT)).isEqualTo("ann");
    Metadata unnamed = through(null, null, SECRET);
    assertThat(unnamed.get(GatewayKey.TENANT)).isEqualTo("127.0.0.1");
    assertThat(unnamed.get(GatewayKey.HEADER)).isNull();
  }

  @Test
  void withAKeyTheCallersAddressIsSaidWhateverItSays() throws Exception {
    GatewayKey key = GatewayKey.read(Files.writeString(folder.resolve("key"), SECRET));
    Metadata headers = through(key, "ann", "a-guess-of-a-secret");
    assertThat(headers.getAll(GatewayKey.TENANT)).containsExactly("127.0.0.1");
    assertThat(headers.getAll(GatewayKey.HEADER)).containsExactly(SECRET);
  }

  private Metadata through(GatewayKey key, String said, String secret) throws Exception {
    InferenceServiceGrpc.InferenceServiceImplBase models =
        new InferenceServiceGrpc.InferenceServiceImplBase() {
          @Override
          public void listModels(
              ListModelsRequest request, StreamObserver<ListModelsResponse> responses) {
            responses.onNext(ListModelsResponse.getDefaultInstance());
            responses.onCompleted();
          }
        };
    ServerInterceptor recorder =
        new ServerInterceptor() {
          @Override
          public <Q, R> ServerCall.Listener<Q> interceptCall(
              ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
            if (call.getMethodDescriptor().getFullMethodName().endsWith("ListModels")) {
              seen.add(headers);
            }
            return next.startCall(call, headers);
          }
        };
    Metadata headers = new Metadata();
    if (said != null) {
      headers.put(GatewayKey.TENANT, said);
    }
    if (secret != null) {
      headers.put(GatewayKey.HEADER, secret);
    }
    try (GrpcServer inference = GrpcServer.builder().service(models).interceptor(recorder).start();
        GatewayServer gateway =
            GatewayServer.builder()
                .port(0)
                .inference("127.0.0.1:" + inference.port())
                .sae("127.0.0.1:1")
                .featureStore("127.0.0.1:1")
                .gatewayKey(key)
                .start()) {
      ManagedChannel channel = Channels.plaintext("127.0.0.1:" + gateway.port());
      InferenceServiceGrpc.newBlockingStub(channel)
          .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
          .listModels(ListModelsRequest.getDefaultInstance());
      Channels.close(channel);
      return seen.poll(20, TimeUnit.SECONDS);
    }
  }
}
