package dev.loupe.inference.grpc;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.InferenceMetrics;
import dev.loupe.inference.captures.ActivationCaches;
import dev.loupe.inference.captures.CacheInfo;
import dev.loupe.inference.captures.CaptureLayout;
import dev.loupe.inference.captures.CompiledCapture;
import dev.loupe.inference.captures.KeptActivation;
import dev.loupe.inference.grpc.requests.CacheNames;
import dev.loupe.inference.grpc.requests.CapturedMessages;
import dev.loupe.inference.grpc.requests.Captures;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.ModelLookup;
import dev.loupe.inference.grpc.requests.Provenances;
import dev.loupe.inference.grpc.requests.RequestedCapture;
import dev.loupe.inference.grpc.requests.Tenants;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.scheduling.DeviceRunner;
import dev.loupe.inference.scheduling.PassCost;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.ActivationCache;
import dev.loupe.proto.inference.v1.ActivationChunk;
import dev.loupe.proto.inference.v1.DeleteActivationCacheRequest;
import dev.loupe.proto.inference.v1.DeleteActivationCacheResponse;
import dev.loupe.proto.inference.v1.GetActivationCacheRequest;
import dev.loupe.proto.inference.v1.ListActivationCachesRequest;
import dev.loupe.proto.inference.v1.ListActivationCachesResponse;
import dev.loupe.proto.inference.v1.ReadActivationCacheRequest;
import dev.loupe.proto.inference.v1.ReadActivationCacheResponse;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.server.names.Paging;
import dev.loupe.server.sharing.MemoryBudget;
import dev.loupe.server.streams.StreamSender;
import java.util.List;
import java.util.function.Consumer;

/** ListActivationCaches, GetActivationCache, ReadActivationCache, DeleteActivationCache. */
final class KeptActivations {
  /** A slice and what a reduction makes of it, beside the answer. */
  private static final int COPIES = 3;

  private final ModelLookup models;
  private final DeviceRunner device;
  private final InferenceMetrics metrics;
  private final Paging paging = new Paging(50, 100);

  KeptActivations(ModelLookup models, DeviceRunner device, InferenceMetrics metrics) {
    this.models = models;
    this.device = device;
    this.metrics = metrics;
  }

  /** A request's model, and the cache's id within it. */
  private record Named(ServedModel model, String id) {}

  private Named named(String name) {
    List<String> parts = CacheNames.parse("name", name);
    return new Named(models.named("name", "models/" + parts.get(0)), parts.get(1));
  }

  ListActivationCachesResponse list(ListActivationCachesRequest request) {
    ServedModel model = models.named("parent", request.getParent());
    String ownerKey = KeptRuns.ownerKey("owner_key", request.getOwnerKey());
    if (ownerKey.isEmpty()) {
      throw LoupeException.of(
              ErrorReason.INVALID_VALUE,
              "owner_key is empty; give the keep.owner_key under which activations were kept")
          .with("field", "owner_key");
    }
    int size = paging.size(request.getPageSize());
    String place = paging.place(request, request.getPageToken());
    long after = place.isEmpty() ? 0 : Long.parseLong(place);
    // What was listed last may be gone by now, so the place is a number and no id.
    List<CacheInfo> left =
        model.caches().list(ownerKey).stream().filter(info -> info.number() > after).toList();
    List<CacheInfo> page = left.subList(0, Math.min(left.size(), size));
    ListActivationCachesResponse.Builder response = ListActivationCachesResponse.newBuilder();
    page.forEach(info -> response.addActivationCaches(KeptRuns.message(model, info)));
    if (page.size() < left.size()) {
      response.setNextPageToken(
          paging.token(request, Long.toString(page.get(page.size() - 1).number())));
    }
    return response.build();
  }

  ActivationCache get(GetActivationCacheRequest request) {
    Named named = named(request.getName());
    return DomainErrors.translated(
        () -> KeptRuns.message(named.model(), named.model().caches().get(named.id())));
  }

  DeleteActivationCacheResponse delete(DeleteActivationCacheRequest request) {
    Named named = named(request.getName());
    DomainErrors.translated(() -> named.model().caches().delete(named.id()));
    return DeleteActivationCacheResponse.getDefaultInstance();
  }

  void read(ReadActivationCacheRequest request, StreamSender<ReadActivationCacheResponse> sender) {
    Named named = named(request.getName());
    Consumer<ActivationChunk> out =
        new Consumer<>() {
          private boolean begun;

          @Override
          public void accept(ActivationChunk chunk) {
            ReadActivationCacheResponse.Builder message =
                ReadActivationCacheResponse.newBuilder().setChunk(chunk);
            if (!begun) {
              message.setProvenance(Provenances.of(named.model()));
              begun = true;
            }
            sender.send(message.build());
          }
        };
    try (ActivationCaches.Lease lease =
        DomainErrors.translated(() -> named.model().caches().lease(named.id()))) {
      long bytes =
          request.getCapturesCount() == 0
              ? asKept(named.model(), lease, out)
              : again(named.model(), request, lease, out);
      metrics.captured(named.model().id(), bytes);
    }
  }

  private static long asKept(
      ServedModel model, ActivationCaches.Lease lease, Consumer<ActivationChunk> out) {
    long bytes = 0;
    for (KeptActivation kept : lease.activations()) {
      RequestedCapture capture =
          new RequestedCapture(
              "captures", kept.index(), CompiledCapture.of(model.config(), kept.capture()));
      List<NDArray> arrays =
          kept.indices() == null ? List.of(kept.values()) : List.of(kept.values(), kept.indices());
      bytes += CapturedMessages.chunks(capture, kept.layout(), arrays, out);
    }
    return bytes;
  }

  /** Captures of what was kept whole, one after another, so that only one is in memory. */
  private long again(
      ServedModel model,
      ReadActivationCacheRequest request,
      ActivationCaches.Lease lease,
      Consumer<ActivationChunk> out) {
    Call call = Tenants.current();
    PassRows rows = lease.rows();
    long bytes = 0;
    for (RequestedCapture capture : Captures.kept(model, request.getCapturesList(), lease)) {
      CaptureLayout layout = capture.layout(rows);
      NDArray whole = whole(capture, lease);
      PassCost cost = new PassCost(rows.rows(), COPIES * 4L * whole.size());
      try (MemoryBudget.Reservation memory = device.reserve(cost, call);
          NDManager scope = model.newScope()) {
        // A view that belongs to this request, so that what is derived from it does too.
        NDArray view = whole.get(scope, new NDIndex(":"));
        List<NDArray> arrays = DomainErrors.translated(() -> capture.compiled().read(view, rows));
        bytes += CapturedMessages.chunks(capture, layout, arrays, out);
      }
    }
    return bytes;
  }

  private static NDArray whole(RequestedCapture capture, ActivationCaches.Lease lease) {
    for (KeptActivation kept : lease.activations()) {
      if (kept.capture().isWhole() && kept.capture().point().equals(capture.point())) {
        return kept.values();
      }
    }
    throw new IllegalStateException(capture.point() + " was not kept whole");
  }
}
