package dev.loupe.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.loupe.gateway.fakes.FakeLoupe;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.ListModelsResponse;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Everything on the one port that is not a forwarded gRPC or JSON call. */
class FrontDoorTest {
  private static final List<String> SERVICES =
      List.of(
          "google.longrunning.Operations",
          "grpc.health.v1.Health",
          "grpc.reflection.v1.ServerReflection",
          "grpc.reflection.v1alpha.ServerReflection",
          "loupe.features.v1.FeatureStoreService",
          "loupe.gateway.v1.GatewayService",
          "loupe.inference.v1.InferenceService",
          "loupe.inference.v1.AttributionService",
          "loupe.inference.v1.PatchingService",
          "loupe.inference.v1.HeadService",
          "loupe.inference.v1.NeuronService",
          "loupe.sae.v1.SaeService");

  @RegisterExtension static final FakeLoupe loupe = new FakeLoupe();

  @Test
  void reflectsOnAllServices() throws Exception {
    ServerReflectionResponse response =
        ask(
            (channel, observer) ->
                ServerReflectionGrpc.newStub(loupe.channel()).serverReflectionInfo(observer),
            ServerReflectionRequest.newBuilder().setListServices("").build());
    assertThat(response.getListServicesResponse().getServiceList())
        .extracting(ServiceResponse::getName)
        .containsExactlyInAnyOrderElementsOf(SERVICES);
    ServerReflectionResponse file =
        ask(
            (channel, observer) ->
                ServerReflectionGrpc.newStub(loupe.channel()).serverReflectionInfo(observer),
            ServerReflectionRequest.newBuilder()
                .setFileContainingSymbol("loupe.gateway.v1.GatewayService")
                .build());
    assertThat(file.getFileDescriptorResponse().getFileDescriptorProtoCount()).isPositive();
  }

  @Test
  @SuppressWarnings("deprecation")
  void reflectsForOlderToolsToo() throws Exception {
    io.grpc.reflection.v1alpha.ServerReflectionResponse response =
        ask(
            (channel, observer) ->
                io.grpc.reflection.v1alpha.ServerReflectionGrpc.newStub(loupe.channel())
                    .serverReflectionInfo(observer),
            io.grpc.reflection.v1alpha.ServerReflectionRequest.newBuilder()
                .setListServices("")
                .build());
    assertThat(response.getListServicesResponse().getServiceList())
        .extracting(io.grpc.reflection.v1alpha.ServiceResponse::getName)
        .containsExactlyInAnyOrderElementsOf(SERVICES);
  }

  @Test
  void isHealthy() {
    assertThat(
            HealthGrpc.newBlockingStub(loupe.channel())
                .check(HealthCheckRequest.getDefaultInstance())
                .getStatus())
        .isEqualTo(ServingStatus.SERVING);
    assertThat(loupe.get("/healthz").statusCode()).isEqualTo(200);
  }

  @Test
  void answersGrpcWebWithTrailersInTheBody() throws Exception {
    HttpResponse<byte[]> response =
        grpcWeb("/loupe.inference.v1.InferenceService/ListModels", new byte[0]);
    ByteBuffer body = ByteBuffer.wrap(response.body());
    assertThat(body.get()).isZero();
    byte[] message = new byte[body.getInt()];
    body.get(message);
    assertThat(ListModelsResponse.parseFrom(message).getModels(0).getName())
        .isEqualTo("models/demo");
    assertThat(body.get()).isEqualTo((byte) 0x80);
    body.getInt();
    assertThat(StandardCharsets.US_ASCII.decode(body).toString()).contains("grpc-status: 0");
  }

  @Test
  void answersGrpcWebErrorsWithDetails() throws Exception {
    HttpResponse<byte[]> response =
        grpcWeb(
            "/loupe.inference.v1.InferenceService/GetModel",
            GetModelRequest.newBuilder().setName("models/x").build().toByteArray());
    assertThat(response.headers().firstValue("grpc-status")).contains("5");
    assertThat(response.headers().firstValue("grpc-status-details-bin")).isPresent();
  }

  @Test
  void letsPagesOfThisMachineCallAndOthersNot() {
    assertThat(preflight("http://localhost:3000")).contains("http://localhost:3000");
    assertThat(preflight("http://127.0.0.1:5173")).contains("http://127.0.0.1:5173");
    assertThat(preflight("https://evil.example")).isEmpty();
    assertThat(preflight("http://localhost.evil.example")).isEmpty();
    assertThat(preflight("null")).isEmpty();
  }

  @Test
  void saysUnimplementedToAGrpcClientOfAnUnknownService() {
    MethodDescriptor<GetModelRequest, GetModelRequest> unknown =
        MethodDescriptor.<GetModelRequest, GetModelRequest>newBuilder()
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("loupe.nope.v1.NopeService/Nope")
            .setRequestMarshaller(
                io.grpc.protobuf.ProtoUtils.marshaller(GetModelRequest.getDefaultInstance()))
            .setResponseMarshaller(
                io.grpc.protobuf.ProtoUtils.marshaller(GetModelRequest.getDefaultInstance()))
            .build();
    StatusRuntimeException error =
        catchThrowableOfType(
            StatusRuntimeException.class,
            () ->
                ClientCalls.blockingUnaryCall(
                    loupe.channel(),
                    unknown,
                    CallOptions.DEFAULT,
                    GetModelRequest.getDefaultInstance()));
    assertThat(error.getStatus().getCode())
        .as(error.getMessage())
        .isEqualTo(Status.Code.UNIMPLEMENTED);
  }

  @Test
  void refusesAPortThatIsInUse() {
    LoupeException error =
        catchThrowableOfType(
            LoupeException.class,
            () ->
                GatewayServer.builder()
                    .port(loupe.port())
                    .inference("127.0.0.1:1")
                    .sae("127.0.0.1:1")
                    .featureStore("127.0.0.1:1")
                    .start());
    assertThat(error.reason()).isEqualTo(ErrorReason.PORT_IN_USE);
    assertThat(error).hasMessageContaining("port " + loupe.port() + " on 127.0.0.1 is in use");
  }

  private static <Q, R> R ask(
      BiFunction<io.grpc.Channel, StreamObserver<R>, StreamObserver<Q>> call, Q request)
      throws Exception {
    CompletableFuture<R> answer = new CompletableFuture<>();
    StreamObserver<Q> requests =
        call.apply(
            loupe.channel(),
            new StreamObserver<>() {
              @Override
              public void onNext(R response) {
                answer.complete(response);
              }

              @Override
              public void onError(Throwable error) {
                answer.completeExceptionally(error);
              }

              @Override
              public void onCompleted() {}
            });
    requests.onNext(request);
    requests.onCompleted();
    return answer.get(20, TimeUnit.SECONDS);
  }

  private static HttpResponse<byte[]> grpcWeb(String path, byte[] message)
      throws IOException, InterruptedException {
    ByteBuffer frame = ByteBuffer.allocate(5 + message.length);
    frame.put((byte) 0).putInt(message.length).put(message);
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(loupe.uri(path))
                .header("Content-Type", "application/grpc-web+proto")
                .header("X-Grpc-Web", "1")
                .POST(BodyPublishers.ofByteArray(frame.array()))
                .build(),
            BodyHandlers.ofByteArray());
  }

  private static List<String> preflight(String origin) {
    return Arrays.asList(
            "/loupe.inference.v1.InferenceService/ListModels", "/v1/models/demo:tokenize")
        .stream()
        .map(
            path ->
                loupe.send(
                    HttpRequest.newBuilder(loupe.uri(path))
                        .method("OPTIONS", BodyPublishers.noBody())
                        .header("Origin", origin)
                        .header("Access-Control-Request-Method", "POST")
                        .header("Access-Control-Request-Headers", "content-type,x-grpc-web")
                        .build()))
        .flatMap(r -> r.headers().allValues("access-control-allow-origin").stream())
        .distinct()
        .toList();
  }
}
