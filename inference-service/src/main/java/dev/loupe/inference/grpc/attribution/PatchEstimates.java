package dev.loupe.inference.grpc.attribution;

import ai.djl.ndarray.NDManager;
import dev.loupe.inference.gradients.AttributionPatching;
import dev.loupe.inference.gradients.BackwardOps;
import dev.loupe.inference.gradients.GradientCost;
import dev.loupe.inference.grpc.requests.Checks;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.Metrics;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.ModelMessages;
import dev.loupe.inference.grpc.requests.PromptPair;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.metrics.Metric;
import dev.loupe.inference.metrics.MetricReader;
import dev.loupe.inference.model.hooks.HookAxis;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.scheduling.Work;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.CapturedActivation;
import dev.loupe.proto.inference.v1.PatchByAttributionRequest;
import dev.loupe.proto.inference.v1.PatchByAttributionResponse;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.LabelledTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.grpc.TensorMessages;
import java.util.Arrays;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** PatchByAttribution. */
final class PatchEstimates {
  private static final int MAX_HOOK_POINTS = 1_000;

  private final ModelLookup models;
  private final DeviceRunner device;
  private final BackwardOps backward;

  PatchEstimates(ModelLookup models, DeviceRunner device, BackwardOps backward) {
    this.models = models;
    this.device = device;
    this.backward = backward;
  }

  PatchByAttributionResponse run(PatchByAttributionRequest request) {
    ServedModel model = models.named("model", request.getModel());
    boolean omitBos = request.getOmitBos();
    PromptPair rows = PromptPair.read(model, request.getClean(), request.getCorrupt(), omitBos);
    int[] clean = rows.clean();
    int[] corrupt = rows.corrupt();
    SortedSet<HookPoint> points = points(model, request.getHookPointsList());
    long bytes = 0;
    for (HookPoint point : points) {
      bytes +=
          PassCost.bytes(model.config(), point, 1, clean.length)
              / Math.max(1, lastAxis(model, point, clean.length));
    }
    Checks.responseFits(bytes, "ask for fewer hook points, or shorter prompts");
    Call call = Tenants.current();
    Metric metric =
        new Metrics(model, device).of("metric", request.getMetric(), corrupt, omitBos, call);
    DomainErrors.translated(
        () -> new MetricReader(model.transformer(), List.of(corrupt), List.of(metric)));
    return DomainErrors.translated(
        () ->
            device.run(
                call,
                GradientCost.ofPatching(model.config(), clean.length, points),
                new Work(model.id(), 2, 2 * clean.length),
                turn -> {
                  try (NDManager scope = model.newScope()) {
                    AttributionPatching patching =
                        new AttributionPatching(model.transformer(), backward);
                    return message(
                        model, patching.run(scope, clean, corrupt, metric, points, turn.control()));
                  }
                }));
  }

  private static SortedSet<HookPoint> points(ServedModel model, List<String> names) {
    Checks.size("hook_points", names.size(), 1, MAX_HOOK_POINTS);
    SortedSet<HookPoint> points = new TreeSet<>();
    for (String name : names) {
      points.addAll(DomainErrors.translated(() -> model.hookPoints().matching(name)));
    }
    return points;
  }

  private static int lastAxis(ServedModel model, HookPoint point, int length) {
    List<HookAxis> axes = point.kind().axes();
    int size = axes.get(axes.size() - 1).size(model.config());
    return size == 0 ? length : size;
  }

  private static PatchByAttributionResponse message(
      ServedModel model, AttributionPatching.Effects effects) {
    PatchByAttributionResponse.Builder response =
        PatchByAttributionResponse.newBuilder()
            .setCleanMetric((float) effects.cleanMetric())
            .setCorruptMetric((float) effects.corruptMetric())
            .setProvenance(Provenances.of(model));
    effects
        .effects()
        .forEach(
            (point, value) -> {
              HostTensor whole = NdArrays.copy(value);
              long[] shape = Arrays.copyOfRange(whole.shape(), 1, whole.shape().length);
              List<String> axes = ModelMessages.axes(point);
              LabelledTensor tensor =
                  new LabelledTensor(
                      new HostTensor(whole.type(), shape, whole.data()),
                      axes.subList(1, axes.size() - 1));
              response.addEffects(
                  CapturedActivation.newBuilder()
                      .setHookPoint(point.name())
                      .setValue(TensorMessages.toMessage(tensor)));
            });
    return response.build();
  }
}
