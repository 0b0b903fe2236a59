package dev.loupe.gateway.grpc;

import dev.loupe.gateway.GatewayMetrics;
import dev.loupe.gateway.analysis.Analysis;
import dev.loupe.gateway.analysis.LabelledFeature;
import dev.loupe.gateway.analysis.PromptAnalyzer;
import dev.loupe.gateway.analysis.Question;
import dev.loupe.proto.features.v1.FeatureLabel;
import dev.loupe.proto.gateway.v1.ActiveFeature;
import dev.loupe.proto.gateway.v1.AnalyzePromptRequest;
import dev.loupe.proto.gateway.v1.AnalyzePromptResponse;
import dev.loupe.proto.gateway.v1.AnalyzedToken;
import dev.loupe.proto.gateway.v1.GatewayServiceGrpc;
import dev.loupe.proto.inference.v1.TokenScore;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.streams.BlockingCalls;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

/** The gateway's own calls on the wire. */
public final class GatewayGrpcService extends GatewayServiceGrpc.GatewayServiceImplBase {
  /** Below the 4 MiB that gRPC clients accept unless told otherwise. */
  private static final int MAX_RESPONSE_BYTES = 3 << 20;

  private final PromptAnalyzer analyzer;
  private final BlockingCalls calls;
  private final Timer time;
  private final Counter tokens;

  /**
   * @param calls runs the work; bounds how much of it goes on at once
   */
  public GatewayGrpcService(PromptAnalyzer analyzer, BlockingCalls calls, MeterRegistry registry) {
    this.analyzer = analyzer;
    this.calls = calls;
    this.time = GatewayMetrics.ANALYSIS.timer(registry);
    this.tokens = GatewayMetrics.ANALYZED_TOKENS.counter(registry);
  }

  @Override
  public void analyzePrompt(
      AnalyzePromptRequest request, StreamObserver<AnalyzePromptResponse> responses) {
    calls.unary(responses, () -> time.recordCallable(() -> analyze(request)));
  }

  private AnalyzePromptResponse analyze(AnalyzePromptRequest request) {
    Analysis analysis =
        analyzer.analyze(
            Question.of(
                request.getModel(),
                request.getDictionary(),
                request.getPrompt(),
                request.getTopPredictions(),
                request.getTopFeatures()));
    tokens.increment(analysis.tokens().size());
    AnalyzePromptResponse response = toProto(request.getDictionary(), analysis);
    if (response.getSerializedSize() > MAX_RESPONSE_BYTES) {
      throw LoupeException.of(
              ErrorReason.RESPONSE_TOO_LARGE,
              "the answer has "
                  + response.getSerializedSize()
                  + " bytes, more than "
                  + MAX_RESPONSE_BYTES
                  + "; lower top_features, or give a shorter prompt")
          .with("limit", MAX_RESPONSE_BYTES);
    }
    return response;
  }

  private static AnalyzePromptResponse toProto(String dictionary, Analysis analysis) {
    AnalyzePromptResponse.Builder response =
        AnalyzePromptResponse.newBuilder().setHookPoint(analysis.hookPoint());
    analysis
        .predictions()
        .forEach(
            prediction ->
                response.addPredictions(
                    TokenScore.newBuilder()
                        .setId(prediction.id())
                        .setToken(prediction.token())
                        .setLogit(prediction.logit())
                        .setProbability(prediction.probability())));
    analysis
        .tokens()
        .forEach(
            token -> {
              AnalyzedToken.Builder shown =
                  response.addTokensBuilder().setId(token.id()).setToken(token.token());
              token.features().forEach(feature -> shown.addFeatures(toProto(dictionary, feature)));
            });
    return response.build();
  }

  private static ActiveFeature toProto(String dictionary, LabelledFeature feature) {
    ActiveFeature.Builder shown =
        ActiveFeature.newBuilder()
            .setName(dictionary + "/features/" + feature.feature())
            .setActivation(feature.activation());
    feature
        .labels()
        .forEach(
            label ->
                shown.addLabels(
                    FeatureLabel.newBuilder()
                        .setName(label.name())
                        .setText(label.text())
                        .setSource(label.source())
                        .setScore(label.score())));
    return shown.build();
  }
}
