package dev.loupe.inference.grpc;

import dev.loupe.inference.analysis.LogitRow;
import dev.loupe.inference.analysis.TokenLosses;
import dev.loupe.inference.grpc.requests.CapturedMessages;
import dev.loupe.inference.grpc.requests.ModelMessages;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.RequestedCapture;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.NotFiniteException;
import dev.loupe.proto.inference.v1.Prediction;
import dev.loupe.proto.inference.v1.RowResult;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.tensor.NdArrays;
import java.nio.FloatBuffer;
import java.util.List;

/** What a forward pass gave, as a message. */
final class ForwardResponses {
  private final ForwardPlan plan;
  private final ForwardResult result;
  private final List<float[]> losses;

  /** Computes what needs the device. */
  ForwardResponses(ForwardPlan plan, ForwardResult result) {
    this.plan = plan;
    this.result = result;
    this.losses = plan.loss() ? TokenLosses.of(result.requireLogits(), plan.batch()) : List.of();
  }

  /** What the pass gave. */
  ForwardResult result() {
    return result;
  }

  /**
   * The message; needs no device. The activations share the result's memory: it must stay until the
   * message is sent.
   */
  RunForwardPassResponse.Builder build() {
    RunForwardPassResponse.Builder response =
        RunForwardPassResponse.newBuilder().setProvenance(Provenances.of(plan.model()));
    FloatBuffer logits =
        plan.topK() == 0 ? null : NdArrays.view(result.requireLogits()).data().asFloatBuffer();
    for (int row = 0; row < plan.rows().size(); row++) {
      int[] tokens = plan.rows().get(row);
      RowResult.Builder message =
          RowResult.newBuilder()
              .addAllIds(ModelMessages.ids(tokens))
              .addAllTokens(ModelMessages.texts(plan.model(), tokens))
              .setBosPrepended(plan.bosPrepended().get(row));
      if (logits != null) {
        for (int position : plan.positions().get(row)) {
          message.addPredictions(prediction(logits, row, position));
        }
      }
      if (plan.loss()) {
        addLosses(message, row, losses.get(row));
      }
      response.addRows(message);
    }
    if (plan.keep() == null) {
      for (RequestedCapture capture : plan.captures()) {
        response.addActivations(
            CapturedMessages.whole(
                capture, capture.layout(plan.places()), result.reading(capture.compiled())));
      }
    }
    return response;
  }

  private static void checkFinite(float[] logits, int row, int position) {
    for (float logit : logits) {
      if (!Float.isFinite(logit)) {
        throw NotFiniteException.ofLogits(
            "the logits at position %d of prompts[%d]".formatted(position, row));
      }
    }
  }

  private static void addLosses(RowResult.Builder message, int row, float[] losses) {
    double sum = 0;
    for (float loss : losses) {
      if (!Float.isFinite(loss)) {
        throw NotFiniteException.ofLogits(
            "the logits at position %d of prompts[%d]"
                .formatted(message.getTokenLossesCount(), row));
      }
      message.addTokenLosses(loss);
      sum += loss;
    }
    if (losses.length > 0) {
      message.setMeanLoss((float) (sum / losses.length));
    }
  }

  private Prediction prediction(FloatBuffer logits, int row, int position) {
    int vocabulary = plan.model().config().vocabularySize();
    float[] values = new float[vocabulary];
    boolean lastOnly = plan.logits() == LogitsMode.LAST;
    int place = lastOnly ? row : row * plan.batch().width() + position;
    logits.get(place * vocabulary, values);
    checkFinite(values, row, position);
    Prediction.Builder prediction = Prediction.newBuilder().setPosition(position);
    new LogitRow(values)
        .top(plan.topK())
        .forEach(score -> prediction.addTop(ModelMessages.score(plan.model(), score)));
    return prediction.build();
  }
}
