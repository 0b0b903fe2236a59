package dev.loupe.inference.grpc;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.captures.ActivationCaches;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.ExpectedPasses;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.scheduling.Arrivals;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.StreamSender;

/** RunForwardPass. */
final class ForwardPasses {
  private final ModelLookup models;
  private final DeviceRunner device;
  private final InferenceMetrics metrics;

  ForwardPasses(ModelLookup models, DeviceRunner device, InferenceMetrics metrics) {
    this.models = models;
    this.device = device;
    this.metrics = metrics;
  }

  void run(RunForwardPassRequest request, StreamSender<RunForwardPassResponse> sender) {
    try (Arrivals.Arrival arrival = ExpectedPasses.current(device)) {
      run(request, arrival, sender);
    }
  }

  private void run(
      RunForwardPassRequest request,
      Arrivals.Arrival arrival,
      StreamSender<RunForwardPassResponse> sender) {
    ForwardPlan plan = ForwardPlan.of(models.named("model", request.getModel()), request);
    Call call = Tenants.current();
    try (ActivationCaches.Room room = plan.keep() == null ? null : KeptRuns.room(plan, call);
        MemoryBudget.Reservation memory = device.reserve(plan.cost(), call);
        NDManager scope = plan.model().newScope()) {
      ForwardResponses responses =
          DomainErrors.translated(() -> device.forward(arrival, memory, plan.request(call, scope)));
      RunForwardPassResponse.Builder message = DomainErrors.translated(responses::build);
      if (room != null) {
        message.setCache(KeptRuns.keep(plan, responses.result(), room));
      }
      RunForwardPassResponse response = message.build();
      // Sent before the scope ends: the message holds views of its arrays.
      sender.send(response);
      metrics.captured(plan.model().id(), capturedBytes(response));
    }
  }

  static long capturedBytes(RunForwardPassResponse response) {
    return response.getActivationsList().stream()
        .mapToLong(activation -> activation.getValue().getData().size())
        .sum();
  }
}
