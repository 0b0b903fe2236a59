package dev.loupe.inference.grpc;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.grpc.requests.CapturedMessages;
import dev.loupe.inference.grpc.requests.Captures;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.Interventions;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Prompts;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.RequestedCapture;
import dev.loupe.inference.grpc.requests.SeenIds;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.BatchDone;
import dev.loupe.proto.inference.v1.Intervention;
import dev.loupe.proto.inference.v1.StreamActivationsHeader;
import dev.loupe.proto.inference.v1.StreamActivationsRequest;
import dev.loupe.proto.inference.v1.StreamActivationsResponse;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.InboundStream;
import dev.loupe.server.streams.StreamLimits;
import dev.loupe.server.streams.StreamSender;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * StreamActivations: the client's batches one after another, the next one's pass running while the
 * last one's activations are sent. What waits is bounded on every side: unread batches by the
 * stream's limits, activations by their number and the memory budget, unsent chunks by the sender.
 */
final class ActivationStreams {
  static final StreamLimits LIMITS = StreamLimits.BULK.withInboundMessages(3);

  private static final int MAX_ROWS = 256;

  /** Batches whose activations are unsent while another runs. */
  private static final int AHEAD = 1;

  private final ModelLookup models;
  private final DeviceRunner device;
  private final InferenceMetrics metrics;

  ActivationStreams(ModelLookup models, DeviceRunner device, InferenceMetrics metrics) {
    this.models = models;
    this.device = device;
    this.metrics = metrics;
  }

  void run(
      InboundStream<StreamActivationsRequest> requests,
      StreamSender<StreamActivationsResponse> sender) {
    StreamActivationsRequest first = requests.hasNext() ? requests.next() : null;
    if (first == null || !first.hasHeader()) {
      throw LoupeException.of(ErrorReason.INVALID_VALUE, "the first message must be a header");
    }
    try (SendAhead answers = new SendAhead()) {
      OpenStream stream = new OpenStream(first.getHeader(), sender, answers);
      try {
        while (requests.hasNext()) {
          StreamActivationsRequest next = requests.next();
          if (!next.hasBatch()) {
            throw LoupeException.of(
                ErrorReason.INVALID_VALUE, "every message after the header must be a batch");
          }
          stream.answer(next.getBatch());
        }
      } finally {
        answers.awaitUnsent(0); // a batch that fails leaves those before it whole
      }
    }
  }

  /** One stream whose header was read. */
  private final class OpenStream {
    private final ServedModel model;
    private final List<RequestedCapture> captures;
    private final List<Intervention> interventions;
    private final HookProgram program;
    private final StreamSender<StreamActivationsResponse> sender;
    private final SendAhead answers;
    private final SeenIds seen = new SeenIds();
    private final Call call = Tenants.current();

    OpenStream(
        StreamActivationsHeader header,
        StreamSender<StreamActivationsResponse> sender,
        SendAhead answers) {
      this.model = models.named("header.model", header.getModel());
      this.captures = Captures.of(model, "header.captures", header.getCapturesList(), 1);
      HookProgram.Builder builder = HookProgram.builder(model.config());
      this.interventions = header.getInterventionsList();
      Interventions.compile(model, interventions, builder);
      Captures.addTo(builder, captures);
      this.program = builder.build();
      this.sender = sender;
      this.answers = answers;
    }

    void answer(TokenBatch message) {
      long id = message.getBatchId();
      seen.add(id);
      List<int[]> rows = rows(message);
      Interventions.checkPlaces(interventions, rows);
      var batch = dev.loupe.inference.model.TokenBatch.of(rows);
      PassRows places = PassRows.of(batch.lengths());
      DomainErrors.translated(() -> program.check(places));
      captures.forEach(capture -> capture.layout(places));
      PassCost cost = PassCost.of(model.config(), batch, LogitsMode.NONE, program);
      answers.awaitUnsent(AHEAD);
      MemoryBudget.Reservation memory = reserve(cost);
      NDManager scope = model.newScope();
      Runnable free =
          () -> {
            scope.close();
            memory.close();
          };
      try {
        ForwardResult result = DomainErrors.translated(() -> pass(memory, scope, batch));
        answers.send(() -> send(id, places, result), free);
      } catch (RuntimeException | Error e) {
        free.run();
        throw e;
      }
    }

    /** Not together with others' passes: the batch gives the same bits whoever else is there. */
    private ForwardResult pass(
        MemoryBudget.Reservation memory,
        NDManager scope,
        dev.loupe.inference.model.TokenBatch batch) {
      ForwardOptions options = ForwardOptions.plain().with(program).with(LogitsMode.NONE);
      return device.runReserved(
          call,
          memory,
          new Work(model.id(), batch.rows(), batch.tokens()),
          turn -> model.transformer().forward(scope, batch, options.with(turn.control())));
    }

    /** A batch that has to wait for memory holds none: its own stream's are sent first. */
    private MemoryBudget.Reservation reserve(PassCost cost) {
      Optional<MemoryBudget.Reservation> free = device.tryReserve(cost, call);
      if (free.isPresent()) {
        return free.get();
      }
      answers.awaitUnsent(0);
      return device.reserve(cost, call);
    }

    private void send(long id, PassRows rows, ForwardResult result) {
      long bytes = 0;
      for (RequestedCapture capture : captures) {
        bytes +=
            CapturedMessages.chunks(
                capture,
                capture.layout(rows),
                result.reading(capture.compiled()),
                chunk ->
                    sender.send(
                        StreamActivationsResponse.newBuilder()
                            .setBatchId(id)
                            .setChunk(chunk)
                            .build()));
      }
      metrics.captured(model.id(), bytes);
      sender.send(
          StreamActivationsResponse.newBuilder()
              .setBatchId(id)
              .setDone(
                  BatchDone.newBuilder()
                      .setTokens(rows.tokens())
                      .setProvenance(Provenances.of(model)))
              .build());
    }

    private List<int[]> rows(TokenBatch message) {
      String field = "batch " + message.getBatchId();
      Checks.size(field + ".rows", message.getRowsCount(), 1, MAX_ROWS);
      Prompts prompts = new Prompts(model);
      List<int[]> rows = new ArrayList<>(message.getRowsCount());
      for (int i = 0; i < message.getRowsCount(); i++) {
        rows.add(prompts.tokens(field + ".rows[" + i + "]", message.getRows(i)));
      }
      return rows;
    }
  }
}
