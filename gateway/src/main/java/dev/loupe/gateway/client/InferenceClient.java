package dev.loupe.gateway.client;

import com.google.protobuf.ByteString;
import dev.loupe.gateway.analysis.Activations;
import dev.loupe.gateway.analysis.Models;
import dev.loupe.gateway.analysis.Pass;
import dev.loupe.gateway.analysis.Prediction;
import dev.loupe.gateway.proxy.Upstream;
import dev.loupe.proto.inference.v1.Capture;
import dev.loupe.proto.inference.v1.GetModelRequest;
import dev.loupe.proto.inference.v1.InferenceServiceGrpc;
import dev.loupe.proto.inference.v1.Prompt;
import dev.loupe.proto.inference.v1.RowResult;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.proto.inference.v1.TokenRow;
import dev.loupe.proto.inference.v1.TokenizeRequest;
import dev.loupe.proto.inference.v1.TokenizedText;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeErrors;
import dev.loupe.server.errors.LoupeException;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;

/**
 * Runs prompts on the inference service. Activations that are small come with the forward pass;
 * larger ones, which would not fit its response, on a stream.
 */
public final class InferenceClient implements Models {
  /** Of the 3 MiB of a forward pass's response; the rest is for tokens and predictions. */
  private static final long MAX_BYTES_IN_RESPONSE = 2 << 20;

  private final Upstream upstream;

  /** Asks this service. */
  public InferenceClient(Upstream upstream) {
    this.upstream = upstream;
  }

  @Override
  public Pass run(String model, String prompt, String hookPoint, int width, int topPredictions) {
    TokenizedText text = tokenize(model, prompt);
    TokenRow row = TokenRow.newBuilder().addAllIds(text.getIdsList()).build();
    boolean small = 4L * row.getIdsCount() * width <= MAX_BYTES_IN_RESPONSE;
    RunForwardPassRequest.Builder request =
        RunForwardPassRequest.newBuilder()
            .setModel(model)
            .addPrompts(Prompt.newBuilder().setTokens(row))
            .setTopK(topPredictions);
    if (small) {
      request.addCaptures(Capture.newBuilder().setHookPoint(hookPoint));
    }
    RunForwardPassResponse response =
        upstream.ask(
            () ->
                InferenceServiceGrpc.newBlockingStub(upstream.calls())
                    .runForwardPass(request.build()));
    ByteString bytes =
        small ? response.getActivations(0).getValue().getData() : stream(model, hookPoint, row);
    RowResult result = response.getRows(0);
    return new Pass(
        result.getIdsList(),
        result.getTokensList(),
        predictions(result),
        activations(hookPoint, row.getIdsCount(), width, bytes));
  }

  @Override
  public boolean areOne(String model, String other, String otherSha256) {
    Optional<String> weights = weights(model);
    return weights.isPresent() && weights.equals(weights(other).or(() -> Optional.of(otherSha256)));
  }

  private Optional<String> weights(String model) {
    GetModelRequest request = GetModelRequest.newBuilder().setName(model).build();
    try {
      return Optional.of(
          upstream
              .ask(() -> InferenceServiceGrpc.newBlockingStub(upstream.calls()).getModel(request))
              .getWeightsSha256());
    } catch (StatusRuntimeException e) {
      if (LoupeErrors.reason(e).equals(Optional.of(ErrorReason.MODEL_NOT_FOUND))) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private TokenizedText tokenize(String model, String prompt) {
    TokenizeRequest request = TokenizeRequest.newBuilder().setModel(model).addTexts(prompt).build();
    return upstream
        .ask(() -> InferenceServiceGrpc.newBlockingStub(upstream.calls()).tokenize(request))
        .getTexts(0);
  }

  private ByteString stream(String model, String hookPoint, TokenRow row) {
    StreamActivationsRequest header =
        StreamActivationsRequest.newBuilder()
            .setHeader(
                StreamActivationsHeader.newBuilder()
                    .setModel(model)
                    .addCaptures(Capture.newBuilder().setHookPoint(hookPoint)))
            .build();
    StreamActivationsRequest batch =
        StreamActivationsRequest.newBuilder()
            .setBatch(TokenBatch.newBuilder().addRows(row))
            .build();
    ByteString.Output bytes = ByteString.newOutput();
    Exchange<StreamActivationsRequest, StreamActivationsResponse> exchange =
        new Exchange<>(
            List.of(header, batch).iterator(),
            response -> {
              ByteString data = response.getChunk().getChunk().getData();
              try {
                data.writeTo(bytes);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    return upstream.ask(
        () -> {
          InferenceServiceGrpc.newStub(upstream.calls()).streamActivations(exchange);
          exchange.await();
          return bytes.toByteString();
        });
  }

  private static List<Prediction> predictions(RowResult row) {
    return row.getPredictions(0).getTopList().stream()
        .map(
            score ->
                new Prediction(
                    score.getId(), score.getToken(), score.getLogit(), score.getProbability()))
        .toList();
  }

  private static Activations activations(
      String hookPoint, int tokens, int width, ByteString bytes) {
    if (bytes.size() != 4L * tokens * width) {
      throw LoupeException.of(
          ErrorReason.MODEL_MISMATCH,
          "the dictionary reads activations of width "
              + width
              + "; "
              + hookPoint
              + " of this model has "
              + bytes.size() / 4.0 / tokens
              + " values at each token");
    }
    return new Activations(tokens, width, bytes.asReadOnlyByteBuffer());
  }
}
