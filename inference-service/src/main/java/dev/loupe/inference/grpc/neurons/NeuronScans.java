package dev.loupe.inference.grpc.neurons;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Prompts;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.SeenIds;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.neurons.CorpusScan;
import dev.loupe.inference.neurons.ScanOptions;
import dev.loupe.inference.neurons.UnitGroup;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.PassRequest;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.NeuronGroup;
import dev.loupe.proto.inference.v1.ScanNeuronsHeader;
import dev.loupe.proto.inference.v1.ScanNeuronsRequest;
import dev.loupe.proto.inference.v1.ScanNeuronsResponse;
import dev.loupe.proto.inference.v1.ScanProgress;
import dev.loupe.proto.inference.v1.TokenBatch;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.InboundStream;
import dev.loupe.server.streams.StreamLimits;
import dev.loupe.server.streams.StreamSender;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * ScanNeurons. What a scan keeps is reserved when it opens, what a batch takes when it comes; the
 * device is free while a batch is taken in.
 */
final class NeuronScans {
  static final StreamLimits LIMITS = StreamLimits.DEFAULT.withInboundMessages(3);

  private static final int MAX_GROUPS = 1_000;
  private static final int MAX_TOP_K = 100;
  private static final int DEFAULT_TOP_K = 20;
  private static final int MAX_CONTEXT = 128;

  private final ModelLookup models;
  private final DeviceRunner device;

  NeuronScans(ModelLookup models, DeviceRunner device) {
    this.models = models;
    this.device = device;
  }

  void run(InboundStream<ScanNeuronsRequest> requests, StreamSender<ScanNeuronsResponse> sender) {
    ScanNeuronsRequest first = requests.hasNext() ? requests.next() : null;
    if (first == null || !first.hasHeader()) {
      throw LoupeException.of(ErrorReason.INVALID_VALUE, "the first message must be a header");
    }
    ScanNeuronsHeader header = first.getHeader();
    ServedModel model = models.named("header.model", header.getModel());
    List<UnitGroup> groups = groups(model, header.getNeuronsList());
    ScanOptions options = options(header);
    long bytes = CorpusScan.bytes(model.config(), groups, options);
    PassCost cost =
        PassCost.ofWork(
            bytes, "scan fewer neurons at once, or ask for a smaller top_k or fewer tokens around");
    Call call = Tenants.current();
    try (MemoryBudget.Reservation memory = device.reserve(cost, call)) {
      CorpusScan scan =
          DomainErrors.translated(() -> new CorpusScan(model.config(), groups, options));
      OpenScan open = new OpenScan(model, scan, call, sender);
      while (requests.hasNext()) {
        ScanNeuronsRequest next = requests.next();
        if (!next.hasBatch()) {
          throw LoupeException.of(
              ErrorReason.INVALID_VALUE, "every message after the header must be a batch");
        }
        open.take(next.getBatch());
      }
      NeuronReports reports = new NeuronReports(model);
      scan.report(
          report ->
              sender.send(
                  ScanNeuronsResponse.newBuilder().setNeuron(reports.message(report)).build()));
    }
  }

  private static ScanOptions options(ScanNeuronsHeader header) {
    return new ScanOptions(
        Checks.count("header.top_k", header.getTopK(), MAX_TOP_K, DEFAULT_TOP_K),
        Checks.count("header.tokens_before", header.getTokensBefore(), MAX_CONTEXT, 0),
        Checks.count("header.tokens_after", header.getTokensAfter(), MAX_CONTEXT, 0),
        header.getOnePerRow(),
        header.getSkipFirst(),
        header.getHistogram());
  }

  /** In the order of the model. */
  private static List<UnitGroup> groups(ServedModel model, List<NeuronGroup> asked) {
    Checks.size("header.neurons", asked.size(), 1, MAX_GROUPS);
    Map<HookPoint, UnitGroup> groups = new TreeMap<>();
    for (int i = 0; i < asked.size(); i++) {
      NeuronGroup group = asked.get(i);
      for (HookPoint point :
          DomainErrors.translated(() -> model.hookPoints().matching(group.getHookPoint()))) {
        UnitGroup units =
            DomainErrors.translated(
                () -> UnitGroup.of(model.config(), point, group.getIndicesList()));
        if (groups.put(point, units) != null) {
          throw LoupeException.invalidValue(
              "header.neurons[" + i + "].hook_point",
              group.getHookPoint(),
              "each hook point in one group, but " + point + " is in two");
        }
      }
    }
    return List.copyOf(groups.values());
  }

  /** A scan whose header was read. */
  private final class OpenScan {
    private final ServedModel model;
    private final CorpusScan scan;
    private final Call call;
    private final StreamSender<ScanNeuronsResponse> sender;
    private final HookProgram program;
    private final SeenIds seen = new SeenIds();

    OpenScan(
        ServedModel model, CorpusScan scan, Call call, StreamSender<ScanNeuronsResponse> sender) {
      this.model = model;
      this.scan = scan;
      this.call = call;
      this.sender = sender;
      HookProgram.Builder builder = HookProgram.builder(model.config());
      scan.points().forEach(builder::capture);
      program = builder.build();
    }

    void take(TokenBatch message) {
      seen.add(message.getBatchId());
      var batch = dev.loupe.inference.model.TokenBatch.of(new Prompts(model).batch(message));
      for (HookPoint point : scan.points()) {
        long bytes = PassCost.bytes(model.config(), point, batch.rows(), batch.width());
        if (bytes > Integer.MAX_VALUE) {
          throw LoupeException.of(
              ErrorReason.OUT_OF_BUDGET,
              "batch %d takes %d bytes at %s alone; at most %d fit: send fewer rows at once"
                  .formatted(message.getBatchId(), bytes, point, Integer.MAX_VALUE));
        }
      }
      PassCost cost = PassCost.of(model.config(), batch, LogitsMode.NONE, program);
      try (MemoryBudget.Reservation memory = device.reserve(cost, call);
          NDManager scope = model.newScope()) {
        PassRequest<ForwardResult> pass =
            new PassRequest<>(
                call, model, scope, batch, program, LogitsMode.NONE, result -> result);
        ForwardResult result = DomainErrors.translated(() -> device.forward(memory, pass));
        // The device is free again while the values are looked at.
        boolean first = scan.rows() == 0;
        scan.add(batch, message.getBatchId(), result);
        progress(message.getBatchId(), first);
      }
    }

    private void progress(long batchId, boolean first) {
      ScanProgress.Builder progress =
          ScanProgress.newBuilder()
              .setBatchId(batchId)
              .setRows(scan.rows())
              .setTokens(scan.tokens());
      if (first) {
        progress.setProvenance(Provenances.of(model));
      }
      sender.send(ScanNeuronsResponse.newBuilder().setProgress(progress).build());
    }
  }
}
