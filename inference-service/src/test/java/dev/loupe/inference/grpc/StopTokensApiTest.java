package dev.loupe.inference.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.loupe.inference.InferenceConfig;
import dev.loupe.inference.InferenceServer;
import dev.loupe.inference.TinyServer;
import dev.loupe.inference.hub.ModelSource;
import dev.loupe.inference.serving.ModelSpec;
import dev.loupe.proto.inference.v1.FinishReason;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.GenerateTextResponse;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc.InferenceServiceBlockingStub;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.server.Channels;
import dev.loupe.server.ServerOptions;
import io.grpc.ManagedChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model's end-of-text tokens stop its texts, whatever its beginning-of-text token is. */
class StopTokensApiTest {

  private static GenerateTextRequest.Builder request(String model) {
    return GenerateTextRequest.newBuilder()
        .setModel(model)
        .addPrompts(TinyServer.prompt(5, 80, 9))
        .setMaxNewTokens(6);
  }

  private static List<GenerateTextResponse> steps(
      InferenceServiceBlockingStub stub, GenerateTextRequest.Builder request) {
    List<GenerateTextResponse> steps = new ArrayList<>();
    stub.generateText(request.build()).forEachRemaining(steps::add);
    return steps;
  }

  private static List<Integer> ids(List<GenerateTextResponse> steps) {
    return steps.stream().map(GenerateTextResponse::getId).toList();
  }

  private static List<Integer> plainText(Path folder) {
    try (TinyServer tiny = new TinyServer(folder)) {
      return ids(steps(tiny.stub(), request(TinyServer.MODEL).setIgnoreEos(true)));
    }
  }

  @Test
  void stopATextUnlessToldOtherwise(@TempDir Path plain, @TempDir Path parent) throws Exception {
    List<Integer> whole = plainText(plain);
    int end = whole.get(0);
    Path folder = TinyServer.folder(parent);
    Files.writeString(
        folder.resolve("generation_config.json"), "{\"eos_token_id\": [209, %d]}".formatted(end));
    ModelSpec spec = new ModelSpec("stops", new ModelSource.Folder(folder));
    try (InferenceServer server =
        InferenceServer.start(
            InferenceConfig.of(List.of(spec)).withThreads(1), new ServerOptions(0, 0))) {
      ManagedChannel channel = Channels.plaintext(server.target());
      InferenceServiceBlockingStub stub = InferenceServiceGrpc.newBlockingStub(channel);
      Model model = stub.listModels(ListModelsRequest.getDefaultInstance()).getModels(0);
      assertThat(model.getStopTokensList()).containsExactlyInAnyOrder(end, 209);
      assertThat(model.getBosToken()).isEqualTo(TinyServer.BOS);

      List<GenerateTextResponse> stopped = steps(stub, request("models/stops"));
      assertThat(ids(stopped)).containsExactly(end);
      assertThat(stopped.get(0).getFinishReason()).isEqualTo(FinishReason.FINISH_REASON_STOP_TOKEN);
      assertThat(stopped.get(0).getText()).as("an ordinary token has a text").isNotEmpty();

      assertThat(ids(steps(stub, request("models/stops").setIgnoreEos(true)))).isEqualTo(whole);
      int second = whole.stream().filter(id -> id != end).findFirst().orElseThrow();
      assertThat(ids(steps(stub, request("models/stops").setIgnoreEos(true).addStopTokens(second))))
          .as("what the request names stops as ever")
          .isEqualTo(whole.subList(0, whole.indexOf(second) + 1));
      channel.shutdownNow();
    }
  }

  @Test
  void areTheBeginningOfTextWhereTheModelSaysNoOther(@TempDir Path folder) {
    try (TinyServer tiny = new TinyServer(folder)) {
      Model model = tiny.stub().listModels(ListModelsRequest.getDefaultInstance()).getModels(0);
      assertThat(model.getStopTokensList()).containsExactly(TinyServer.BOS);
    }
  }
}
