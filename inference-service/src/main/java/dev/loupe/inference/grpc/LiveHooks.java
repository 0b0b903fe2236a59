package dev.loupe.inference.grpc;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.grpc.requests.Captures;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.Durations;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.DeviceTurn;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.proto.inference.v1.RunForwardPassResponse;
import dev.loupe.proto.inference.v1.RunWithHooksHeader;
import dev.loupe.proto.inference.v1.RunWithHooksRequest;
import dev.loupe.proto.inference.v1.RunWithHooksResponse;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.InboundStream;
import dev.loupe.server.streams.StreamLimits;
import dev.loupe.server.streams.StreamSender;
import java.time.Duration;
import java.util.List;

/** RunWithHooks: the device is free for others while the client thinks. */
final class LiveHooks {
  static final StreamLimits LIMITS = StreamLimits.DEFAULT.withInboundMessages(2);

  private static final Duration DEFAULT_DEADLINE = Duration.ofSeconds(30);
  private static final Duration LONGEST_DEADLINE = Duration.ofSeconds(300);

  private final ModelLookup models;
  private final DeviceRunner device;
  private final InferenceMetrics metrics;

  LiveHooks(ModelLookup models, DeviceRunner device, InferenceMetrics metrics) {
    this.models = models;
    this.device = device;
    this.metrics = metrics;
  }

  void run(InboundStream<RunWithHooksRequest> requests, StreamSender<RunWithHooksResponse> sender) {
    RunWithHooksRequest first = requests.hasNext() ? requests.next() : null;
    if (first == null || !first.hasHeader()) {
      throw LoupeException.of(ErrorReason.INVALID_VALUE, "the first message must be a header");
    }
    RunWithHooksHeader header = first.getHeader();
    ForwardPlan plan =
        ForwardPlan.of(
            models.named("forward_pass.model", header.getForwardPass().getModel()),
            header.getForwardPass());
    if (plan.keep() != null) {
      throw LoupeException.invalidValue(
          "forward_pass.keep", "set", "unset, as RunForwardPass keeps captures");
    }
    List<HookPoint> points =
        Captures.named(plan.model(), "hook_points", header.getHookPointsList());
    HookConversation conversation = new HookConversation(requests, sender, deadline(header));
    Call call = Tenants.current();
    try (MemoryBudget.Reservation memory = device.reserve(cost(plan, points), call);
        NDManager scope = plan.model().newScope()) {
      RunForwardPassResponse response =
          DomainErrors.translated(
              () ->
                  device.runReserved(
                      call,
                      memory,
                      plan.work(),
                      turn -> pass(plan, points, conversation, scope, turn)));
      sender.send(RunWithHooksResponse.newBuilder().setResult(response).build());
      metrics.captured(plan.model().id(), ForwardPasses.capturedBytes(response));
    }
  }

  private RunForwardPassResponse pass(
      ForwardPlan plan,
      List<HookPoint> points,
      HookConversation conversation,
      NDManager scope,
      DeviceTurn turn) {
    for (HookPoint point : points) {
      plan.program()
          .live(
              point,
              (at, value) -> {
                metrics.hookPaused();
                return turn.<NDArray>whileWaiting(() -> conversation.ask(at, value));
              });
    }
    ForwardOptions options =
        ForwardOptions.plain()
            .with(plan.program().build())
            .with(plan.logits())
            .with(turn.control());
    ForwardResult result = plan.model().transformer().forward(scope, plan.batch(), options);
    return new ForwardResponses(plan, result).build().build();
  }

  /** The replacement of the largest value is held beside it. */
  private static PassCost cost(ForwardPlan plan, List<HookPoint> points) {
    long largest = 0;
    int rows = plan.batch().rows();
    for (HookPoint point : points) {
      largest =
          Math.max(
              largest, PassCost.bytes(plan.model().config(), point, rows, plan.batch().width()));
    }
    return plan.cost().plus(2 * largest);
  }

  private static Duration deadline(RunWithHooksHeader header) {
    return header.hasHookDeadline()
        ? Durations.read("hook_deadline", header.getHookDeadline(), LONGEST_DEADLINE)
        : DEFAULT_DEADLINE;
  }
}
