package dev.loupe.standalone.client;

import dev.loupe.proto.gateway.v1.ActiveFeature;
import dev.loupe.proto.gateway.v1.AnalyzePromptRequest;
import dev.loupe.proto.gateway.v1.GatewayServiceGrpc;
import io.grpc.Channel;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Asks the gateway what takes more than one service to answer. */
public final class AnalysisClient {
  private static final long DEADLINE_SECONDS = 60;

  private final Channel channel;

  AnalysisClient(Channel channel) {
    this.channel = channel;
  }

  /** The tokens of a prompt with the strongest features at each. */
  public List<PromptToken> analyze(
      String model, String dictionary, String prompt, int featuresEach) {
    return GatewayServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
        .analyzePrompt(
            AnalyzePromptRequest.newBuilder()
                .setModel(model)
                .setDictionary(dictionary)
                .setPrompt(prompt)
                .setTopFeatures(featuresEach)
                .build())
        .getTokensList()
        .stream()
        .map(
            token ->
                new PromptToken(
                    token.getToken(),
                    token.getFeaturesList().stream().map(AnalysisClient::firing).toList()))
        .toList();
  }

  private static PromptToken.Firing firing(ActiveFeature feature) {
    String label = feature.getLabelsCount() == 0 ? "" : feature.getLabels(0).getText();
    return new PromptToken.Firing(
        FeatureClient.index(feature.getName()), feature.getActivation(), label);
  }
}
