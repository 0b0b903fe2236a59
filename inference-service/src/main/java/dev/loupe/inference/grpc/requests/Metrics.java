package dev.loupe.inference.grpc.requests;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.KlDivergenceMetric;
import dev.loupe.proto.inference.v1.LogitDifferenceMetric;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.NdArrays;
import java.util.Arrays;
import java.util.List;

/** Reads metrics. A divergence from another run runs that other run. */
public final class Metrics {
  private final ServedModel model;
  private final DeviceRunner device;

  /** A reader for one model's metrics; references run on the device. */
  public Metrics(ServedModel model, DeviceRunner device) {
    this.model = model;
    this.device = device;
  }

  /**
   * A metric of a row.
   *
   * @param field of the request, for errors
   * @param row the tokens that are measured
   * @param omitBos whether a reference that is text gets no beginning-of-text token
   */
  public Metric of(
      String field,
      dev.loupe.proto.inference.v1.Metric metric,
      int[] row,
      boolean omitBos,
      Call call) {
    return switch (metric.getMetricCase()) {
      case LOGIT -> new Metric.Logit(metric.getLogit().getPosition(), metric.getLogit().getToken());
      case LOGIT_DIFFERENCE -> {
        LogitDifferenceMetric difference = metric.getLogitDifference();
        yield new Metric.LogitDifference(
            difference.getPosition(), difference.getToken(), difference.getIncorrectToken());
      }
      case LOG_PROBABILITY ->
          new Metric.LogProbability(
              metric.getLogProbability().getPosition(), metric.getLogProbability().getToken());
      case LOSS -> new Metric.Loss();
      case KL_DIVERGENCE ->
          divergence(field + ".kl_divergence", metric.getKlDivergence(), row, omitBos, call);
      case METRIC_NOT_SET ->
          throw LoupeException.invalidValue(
              field,
              "nothing",
              "one of logit, logit_difference, log_probability, loss and kl_divergence");
    };
  }

  private Metric divergence(
      String field, KlDivergenceMetric metric, int[] row, boolean omitBos, Call call) {
    int position = metric.getPosition();
    int absolute = position < 0 ? row.length + position : position;
    if (absolute < 0 || absolute >= row.length) {
      throw LoupeException.invalid(
          ErrorReason.POSITION_OUT_OF_RANGE,
          field + ".position",
          position,
          "%d to %d".formatted(-row.length, row.length - 1));
    }
    int[] reference =
        metric.hasReference()
            ? new Prompts(model).row(field + ".reference", metric.getReference(), omitBos)
            : Arrays.copyOf(row, absolute + 1);
    return new Metric.KlDivergence(position, logProbabilities(reference, call));
  }

  /** What an unedited run predicts after a row, [d_vocab]. */
  private float[] logProbabilities(int[] row, Call call) {
    PassCost cost =
        PassCost.of(model.config(), 1, row.length, LogitsMode.LAST, List.of())
            .plus(2L * Float.BYTES * model.config().vocabularySize());
    return device.run(
        call,
        cost,
        new Work(model.id(), 1, row.length),
        turn -> {
          try (NDManager scope = model.newScope()) {
            ForwardOptions options =
                ForwardOptions.plain().with(LogitsMode.LAST).with(layer -> call.check());
            NDArray logits =
                model.transformer().forward(scope, TokenBatch.of(row), options).requireLogits();
            return NdArrays.floats(logits.logSoftmax(-1));
          }
        });
  }
}
