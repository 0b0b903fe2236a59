package dev.loupe.inference.grpc.attribution;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.gradients.BackwardOps;
import dev.loupe.inference.gradients.GradientCost;
import dev.loupe.inference.gradients.GradientPass;
import dev.loupe.inference.gradients.Gradients;
import dev.loupe.inference.grpc.requests.CapturedMessages;
import dev.loupe.inference.grpc.requests.Captures;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.Interventions;
import dev.loupe.inference.grpc.requests.Metrics;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.ModelMessages;
import dev.loupe.inference.grpc.requests.Prompts;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.RequestedCapture;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.metrics.MetricReader;
import dev.loupe.inference.model.NotFiniteException;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.ComputeGradientsRequest;
import dev.loupe.proto.inference.v1.ComputeGradientsResponse;
import dev.loupe.proto.inference.v1.GradientRun;
import dev.loupe.proto.inference.v1.MetricRow;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.StreamSender;
import java.util.ArrayList;
import java.util.List;

/** ComputeGradients: one turn on the device, then the gradients are sent off it. */
final class GradientStreams {
  private static final int MAX_PROMPTS = 64;

  private final ModelLookup models;
  private final DeviceRunner device;
  private final BackwardOps backward;

  GradientStreams(ModelLookup models, DeviceRunner device, BackwardOps backward) {
    this.models = models;
    this.device = device;
    this.backward = backward;
  }

  void run(ComputeGradientsRequest request, StreamSender<ComputeGradientsResponse> sender) {
    ServedModel model = models.named("model", request.getModel());
    boolean omitBos = request.getOmitBos();
    List<int[]> rows =
        new Prompts(model).rows("prompts", request.getPromptsList(), omitBos, MAX_PROMPTS);
    PassRows places = PassRows.of(rows.stream().mapToInt(row -> row.length).toArray());
    List<RequestedCapture> gradients =
        Captures.of(model, "gradients", request.getGradientsList(), 1);
    gradients.forEach(capture -> capture.layout(places));
    List<RequestedCapture> activations =
        Captures.of(model, "activations", request.getActivationsList(), 0);
    activations.forEach(capture -> capture.layout(places));
    HookProgram.Builder program = HookProgram.builder(model.config());
    Interventions.compile(model, request.getInterventionsList(), program);
    Interventions.checkPlaces(request.getInterventionsList(), rows);
    Captures.addTo(program, activations);
    HookProgram.Builder asked = HookProgram.builder(model.config());
    Captures.addTo(asked, gradients);
    Call call = Tenants.current();
    List<Metric> metrics = metrics(model, request, rows, call);
    PassCost cost =
        GradientCost.of(
            model.config(), rows.size(), places.columns(), program.build(), asked.build());
    int tokens = rows.stream().mapToInt(row -> row.length).sum();
    try (MemoryBudget.Reservation memory = device.reserve(cost, call);
        NDManager scope = model.newScope()) {
      Gradients result =
          DomainErrors.translated(
              () ->
                  device.runReserved(
                      call,
                      memory,
                      new Work(model.id(), rows.size(), tokens),
                      turn ->
                          new GradientPass(model.transformer(), backward)
                              .run(scope, rows, metrics, program, asked.build(), turn.control())));
      checkFinite(result.metrics());
      // The device is free again while the client reads.
      sender.send(run(model, rows, result.metrics()));
      for (RequestedCapture capture : gradients) {
        CapturedMessages.chunks(
            capture,
            capture.layout(places),
            result.gradients().reading(capture.compiled()),
            chunk -> sender.send(ComputeGradientsResponse.newBuilder().setGradient(chunk).build()));
      }
      for (RequestedCapture capture : activations) {
        CapturedMessages.chunks(
            capture,
            capture.layout(places),
            result.activations().reading(capture.compiled()),
            chunk ->
                sender.send(ComputeGradientsResponse.newBuilder().setActivation(chunk).build()));
      }
    }
  }

  private static void checkFinite(double[] metrics) {
    for (int row = 0; row < metrics.length; row++) {
      if (!Double.isFinite(metrics[row])) {
        throw DomainErrors.translate(
            NotFiniteException.ofLogits("the logits of the metric of prompts[%d]".formatted(row)));
      }
    }
  }

  /**
   * Checked here too, so that a metric that cannot be read is refused before memory is waited for.
   */
  private List<Metric> metrics(
      ServedModel model, ComputeGradientsRequest request, List<int[]> rows, Call call) {
    Metrics reader = new Metrics(model, device);
    List<Metric> metrics = new ArrayList<>();
    for (int[] row : rows) {
      metrics.add(reader.of("metric", request.getMetric(), row, request.getOmitBos(), call));
    }
    DomainErrors.translated(() -> new MetricReader(model.transformer(), rows, metrics));
    return metrics;
  }

  private static ComputeGradientsResponse run(
      ServedModel model, List<int[]> rows, double[] metrics) {
    GradientRun.Builder run = GradientRun.newBuilder().setProvenance(Provenances.of(model));
    for (int row = 0; row < metrics.length; row++) {
      run.addRows(
          MetricRow.newBuilder()
              .addAllIds(ModelMessages.ids(rows.get(row)))
              .addAllTokens(ModelMessages.texts(model, rows.get(row)))
              .setMetric((float) metrics[row]));
    }
    return ComputeGradientsResponse.newBuilder().setRun(run).build();
  }
}
