package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.TinyServer;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.proto.inference.v1.DetokenizeRequest;
import dev.loupe.proto.inference.v1.DetokenizeResponse;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceBlockingStub;
import dev.loupe.proto.inference.v1.RowResult;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.server.Channels;
import dev.loupe.server.ServerOptions;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model whose folder has no tokenizer serves token ids. */
class NoTokenizerTest {
  private InferenceServer server;
  private ManagedChannel channel;

  @BeforeEach
  void start(@TempDir Path parent) throws IOException {
    Path folder = TinyServer.folder(parent);
    Files.delete(folder.resolve("tokenizer.json"));
    ModelSpec spec = new ModelSpec("gpt2-tiny", new ModelSource.Folder(folder));
    server =
        InferenceServer.start(
            InferenceConfig.of(List.of(spec)).withThreads(1), new ServerOptions(0, 0));
    channel = Channels.plaintext(server.target());
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.close();
  }

  private InferenceServiceBlockingStub stub() {
    return InferenceServiceGrpc.newBlockingStub(channel);
  }

  @Test
  void idsRunAndAreAnsweredWithoutText() {
    RunForwardPassResponse response =
        stub()
            .runForwardPass(
                RunForwardPassRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .addPrompts(TinyServer.prompt(1, 2, 3))
                    .setTopK(1)
                    .build());
    RowResult row = response.getRows(0);
    assertThat(row.getIdsList()).containsExactly(1, 2, 3);
    assertThat(row.getTokensList()).containsExactly("", "", "");
    assertThat(row.getPredictions(0).getTop(0).getToken()).isEmpty();
    DetokenizeResponse text =
        stub()
            .detokenize(
                DetokenizeRequest.newBuilder()
                    .setModel(TinyServer.MODEL)
                    .addIds(1)
                    .addIds(2)
                    .build());
    assertThat(text.getTokensList()).containsExactly("", "");
    assertThat(text.getText()).isEmpty();
    List<GenerateTextResponse> steps = new ArrayList<>();
    stub()
        .generateText(
            GenerateTextRequest.newBuilder()
                .setModel(TinyServer.MODEL)
                .addPrompts(TinyServer.prompt(1, 2, 3))
                .setMaxNewTokens(2)
                .build())
        .forEachRemaining(steps::add);
    assertThat(steps).isNotEmpty().allMatch(step -> step.getText().isEmpty());
    assertThat(
            stub()
                .getModel(GetModelRequest.newBuilder().setName(TinyServer.MODEL).build())
                .getSpecialTokens()
                .getBos()
                .getSource())
        .isEqualTo("config.json: bos_token_id");
  }

  @Test
  void textIsRefusedEverywhere() {
    refused(
        () ->
            stub()
                .runForwardPass(
                    RunForwardPassRequest.newBuilder()
                        .setModel(TinyServer.MODEL)
                        .addPrompts(TinyServer.prompt("hello"))
                        .build()));
    refused(
        () ->
            stub()
                .tokenize(
                    TokenizeRequest.newBuilder()
                        .setModel(TinyServer.MODEL)
                        .addTexts("hello")
                        .build()));
  }

  private static void refused(ThrowingCallable call) {
    StatusRuntimeException e = catchThrowableOfType(StatusRuntimeException.class, call);
    assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
    assertThat(LoupeErrors.reason(e)).hasValue(ErrorReason.NO_TOKENIZER);
    assertThat(e).hasMessageContaining("without a tokenizer");
  }
}
