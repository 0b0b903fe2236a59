import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.proto.inference.v1.GenerateTextRequest;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.ListModelsRequest;
import dev.loupe.proto.inference.v1.Model;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import java.util.concurrent.TimeUnit;

/** Looks into a model with generated stubs. */
public final class Look {
  private Look() {}

  public static void main(String[] args) throws InterruptedException {
    String address = args.length > 0 ? args[0] : "127.0.0.1:8080";
    Prompt prompt = Prompt.newBuilder().setText("The capital of Texas is").build();
    ManagedChannel channel =
        Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()).build();
    try {
      var inference = InferenceServiceGrpc.newBlockingStub(channel);
      Model model = inference.listModels(ListModelsRequest.getDefaultInstance()).getModels(0);
      System.out.printf("%s: %d layers%n", model.getName(), model.getLayers());

      RunForwardPassResponse answer =
          inference.runForwardPass(
              RunForwardPassRequest.newBuilder()
                  .setModel(model.getName())
                  .addPrompts(prompt)
                  .setTopK(3)
                  .addCaptures(
                      Capture.newBuilder()
                          .setHookPoint("blocks.0.hook_resid_post")
                          .addPositions(-1))
                  .build());
      answer
          .getRows(0)
          .getPredictions(0)
          .getTopList()
          .forEach(
              score ->
                  System.out.printf(
                      "  '%s' %.1f %%%n", score.getToken(), 100 * score.getProbability()));
      CapturedActivation activation = answer.getActivations(0);
      System.out.printf(
          "%s: %d bytes%n", activation.getHookPoint(), activation.getValue().getData().size());

      StringBuilder text = new StringBuilder(prompt.getText());
      inference
          .generateText(
              GenerateTextRequest.newBuilder()
                  .setModel(model.getName())
                  .addPrompts(prompt)
                  .setMaxNewTokens(8)
                  .build())
          .forEachRemaining(step -> text.append(step.getText()));
      System.out.println("continued: " + text);
    } finally {
      channel.shutdown().awaitTermination(5, TimeUnit.SECONDS);
    }
  }
}
