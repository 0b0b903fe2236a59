package dev.loupe.inference.grpc.patching;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.Metrics;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.ModelMessages;
import dev.loupe.inference.grpc.requests.PromptPair;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.inference.sweeps.PatchingSweep;
import dev.loupe.inference.sweeps.SweepOutput;
import dev.loupe.inference.sweeps.SweepRequest;
import dev.loupe.proto.inference.v1.SweepCell;
import dev.loupe.proto.inference.v1.SweepCells;
import dev.loupe.proto.inference.v1.SweepPatchesRequest;
import dev.loupe.proto.inference.v1.SweepPatchesResponse;
import dev.loupe.proto.inference.v1.SweepRun;
import dev.loupe.proto.inference.v1.SweptRow;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.StreamSender;

/** SweepPatches: a turn on the device for each group of cells, which is sent before the next. */
final class PatchSweeps {
  private final ModelLookup models;
  private final DeviceRunner device;

  PatchSweeps(ModelLookup models, DeviceRunner device) {
    this.models = models;
    this.device = device;
  }

  void run(SweepPatchesRequest request, StreamSender<SweepPatchesResponse> sender) {
    ServedModel model = models.named("model", request.getModel());
    Call call = Tenants.current();
    DomainErrors.translated(
        () -> {
          SweepRequest sweep = sweep(model, request, call);
          PatchingSweep patching = new PatchingSweep(model.transformer(), sweep);
          try (MemoryBudget.Reservation memory = device.reserve(patching.cost(), call);
              NDManager scope = model.newScope()) {
            patching.run(
                scope,
                (rows, tokens, work) ->
                    device.runReserved(
                        call,
                        memory,
                        new Work(model.id(), rows, tokens),
                        turn -> {
                          work.accept(turn.control());
                          return null;
                        }),
                new Sending(model, sweep, request.getNormalize(), sender));
          }
          return null;
        });
  }

  private SweepRequest sweep(ServedModel model, SweepPatchesRequest request, Call call) {
    boolean omitBos = request.getOmitBos();
    PromptPair rows = PromptPair.read(model, request.getClean(), request.getCorrupt(), omitBos);
    int[] clean = rows.clean();
    int[] corrupt = rows.corrupt();
    SweepAxes axes = new SweepAxes(model.config(), request, clean.length);
    int size = axes.grid().size();
    long first = request.getFirstCell();
    if (first < 0 || first > size) {
      throw LoupeException.invalidValue("first_cell", first, "0 to " + size);
    }
    return new SweepRequest(
        clean,
        corrupt,
        axes.grid(),
        new Metrics(model, device).of("metric", request.getMetric(), corrupt, omitBos, call),
        (int) first);
  }

  /** Sends results as they come. */
  private static final class Sending implements SweepOutput {
    private final ServedModel model;
    private final SweepRequest sweep;
    private final boolean normalize;
    private final StreamSender<SweepPatchesResponse> sender;
    private double zero;
    private double unit = 1;

    Sending(
        ServedModel model,
        SweepRequest sweep,
        boolean normalize,
        StreamSender<SweepPatchesResponse> sender) {
      this.model = model;
      this.sweep = sweep;
      this.normalize = normalize;
      this.sender = sender;
    }

    @Override
    public void runs(double clean, double corrupt) {
      if (normalize) {
        zero = corrupt;
        unit = clean - corrupt;
        if (unit == 0) {
          throw LoupeException.invalidValue(
              "normalize", true, "false, as both runs' metrics are " + clean);
        }
      }
      SweepRun.Builder run =
          SweepRun.newBuilder()
              .setClean(row(sweep.clean(), clean))
              .setCorrupt(row(sweep.corrupt(), corrupt))
              .setTotalCells(sweep.grid().size())
              .setProvenance(Provenances.of(model));
      sender.send(SweepPatchesResponse.newBuilder().setRun(run).build());
    }

    private SweptRow row(int[] tokens, double metric) {
      return SweptRow.newBuilder()
          .addAllIds(ModelMessages.ids(tokens))
          .addAllTokens(ModelMessages.texts(model, tokens))
          .setMetric((float) metric)
          .build();
    }

    @Override
    public void cells(int firstCell, double[] values) {
      SweepCells.Builder cells = SweepCells.newBuilder().setFirstCell(firstCell);
      for (int i = 0; i < values.length; i++) {
        cells.addCells(cell(sweep.grid().cell(firstCell + i), (values[i] - zero) / unit));
      }
      sender.send(SweepPatchesResponse.newBuilder().setCells(cells).build());
    }

    private static SweepCell cell(dev.loupe.inference.sweeps.SweepCell cell, double metric) {
      SweepCell.Builder message =
          SweepCell.newBuilder().setLayer(cell.layer()).setMetric((float) metric);
      if (cell.position() != dev.loupe.inference.sweeps.SweepCell.ALL) {
        message.setPosition(cell.position());
      }
      if (cell.head() != dev.loupe.inference.sweeps.SweepCell.ALL) {
        message.setHead(cell.head());
      }
      return message.build();
    }
  }
}
