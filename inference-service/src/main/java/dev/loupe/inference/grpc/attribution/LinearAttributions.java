package dev.loupe.inference.grpc.attribution;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.captures.CaptureLayout;
import dev.loupe.inference.gradients.FrozenModel;
import dev.loupe.inference.gradients.GradientCost;
import dev.loupe.inference.gradients.LinearCotangents;
import dev.loupe.inference.gradients.LinearPlaces;
import dev.loupe.inference.gradients.LinearTarget;
import dev.loupe.inference.grpc.requests.CapturedMessages;
import dev.loupe.inference.grpc.requests.Captures;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.ModelMessages;
import dev.loupe.inference.grpc.requests.Prompts;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.RequestedCapture;
import dev.loupe.inference.grpc.requests.SeenIds;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.AttributionTargets;
import dev.loupe.proto.inference.v1.LinearAttributionHeader;
import dev.loupe.proto.inference.v1.LinearAttributionRun;
import dev.loupe.proto.inference.v1.StreamLinearAttributionsRequest;
import dev.loupe.proto.inference.v1.StreamLinearAttributionsResponse;
import dev.loupe.proto.inference.v1.TargetsDone;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.InboundStream;
import dev.loupe.server.streams.StreamLimits;
import dev.loupe.server.streams.StreamSender;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * StreamLinearAttributions: one forward pass for the header, then a turn on the device for each
 * batch of targets. Patterns and scales are held, and paid for, until the stream ends.
 */
final class LinearAttributions {
  static final StreamLimits LIMITS = StreamLimits.DEFAULT.withInboundMessages(2);

  private static final String BATCH = "batch";
  private static final String TARGET = "target";

  private final ModelLookup models;
  private final DeviceRunner device;

  LinearAttributions(ModelLookup models, DeviceRunner device) {
    this.models = models;
    this.device = device;
  }

  void run(
      InboundStream<StreamLinearAttributionsRequest> requests,
      StreamSender<StreamLinearAttributionsResponse> sender) {
    StreamLinearAttributionsRequest first = requests.hasNext() ? requests.next() : null;
    if (first == null || !first.hasHeader()) {
      throw LoupeException.of(ErrorReason.INVALID_VALUE, "the first message must be a header");
    }
    OpenStream stream = new OpenStream(first.getHeader(), sender);
    try (MemoryBudget.Reservation held = stream.reserve();
        NDManager owner = stream.model.newScope()) {
      FrozenModel frozen = stream.freeze(held, owner);
      while (requests.hasNext()) {
        StreamLinearAttributionsRequest next = requests.next();
        if (!next.hasTargets()) {
          throw LoupeException.of(
              ErrorReason.INVALID_VALUE, "every message after the header must hold targets");
        }
        stream.answer(frozen, next.getTargets());
      }
    }
  }

  /** One stream whose header was read. */
  private final class OpenStream {
    private final ServedModel model;
    private final int[] row;
    private final List<RequestedCapture> captures;
    private final SortedSet<HookPoint> sources = new TreeSet<>();
    private final StreamSender<StreamLinearAttributionsResponse> sender;
    private final SeenIds seen = new SeenIds();
    private final Call call = Tenants.current();

    OpenStream(
        LinearAttributionHeader header, StreamSender<StreamLinearAttributionsResponse> sender) {
      this.model = models.named("header.model", header.getModel());
      this.row = new Prompts(model).row("header.prompt", header.getPrompt(), header.getOmitBos());
      this.captures = Captures.of(model, "header.sources", header.getSourcesList(), 1);
      this.sender = sender;
      captures.forEach(capture -> sources.add(capture.point()));
      DomainErrors.translated(
          () -> {
            sources.forEach(LinearPlaces::checkSource);
            return null;
          });
      captures.forEach(capture -> capture.layout(PassRows.of(new int[] {row.length})));
    }

    MemoryBudget.Reservation reserve() {
      return device.reserve(GradientCost.ofFrozen(model.config(), row.length, sources), call);
    }

    FrozenModel freeze(MemoryBudget.Reservation memory, NDManager owner) {
      FrozenModel frozen =
          DomainErrors.translated(
              () ->
                  device.runReserved(
                      call,
                      memory,
                      new Work(model.id(), 1, row.length),
                      turn ->
                          FrozenModel.of(
                              model.transformer(), owner, row, sources, turn.control())));
      sender.send(
          StreamLinearAttributionsResponse.newBuilder()
              .setRun(
                  LinearAttributionRun.newBuilder()
                      .addAllIds(ModelMessages.ids(row))
                      .addAllTokens(ModelMessages.texts(model, row))
                      .setProvenance(Provenances.of(model)))
              .build());
      return frozen;
    }

    void answer(FrozenModel frozen, AttributionTargets message) {
      long id = message.getBatchId();
      seen.add(id);
      List<LinearTarget> targets = new TargetMessages(model, row.length).read(message);
      try (MemoryBudget.Reservation memory =
              device.reserve(
                  GradientCost.ofTargets(model.config(), row.length, sources, targets), call);
          NDManager scope = model.newScope()) {
        LinearCotangents result =
            DomainErrors.translated(
                () ->
                    device.runReserved(
                        call,
                        memory,
                        new Work(model.id(), targets.size(), targets.size() * row.length),
                        turn -> frozen.attribute(scope, targets, turn.control())));
        int[] lengths = new int[targets.size()];
        Arrays.fill(lengths, row.length);
        PassRows rows = PassRows.of(lengths);
        for (RequestedCapture capture : captures) {
          send(id, capture, rows, result.sources().get(capture.point()));
        }
      }
      sender.send(
          StreamLinearAttributionsResponse.newBuilder()
              .setBatchId(id)
              .setDone(TargetsDone.newBuilder().setTargets(targets.size()))
              .build());
    }

    /** A target stands where a row of the batch does in an activation. */
    private void send(long id, RequestedCapture capture, PassRows rows, NDArray cotangents) {
      CaptureLayout layout = capture.layout(rows);
      List<String> labels = new ArrayList<>(layout.labels());
      labels.replaceAll(label -> label.equals(BATCH) ? TARGET : label);
      CapturedMessages.chunks(
          capture,
          new CaptureLayout(labels, layout.sizes(), layout.padded()),
          capture.compiled().read(cotangents, rows),
          chunk ->
              sender.send(
                  StreamLinearAttributionsResponse.newBuilder()
                      .setBatchId(id)
                      .setChunk(chunk)
                      .build()));
    }
  }
}
