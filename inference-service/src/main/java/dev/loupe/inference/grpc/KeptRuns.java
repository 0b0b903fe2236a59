package dev.loupe.inference.grpc;

import ai.djl.ndarray.NDArray;
import com.google.protobuf.Timestamp;
import dev.loupe.inference.captures.ActivationCaches;
import dev.loupe.inference.captures.CacheInfo;
import dev.loupe.inference.captures.CaptureLayout;
import dev.loupe.inference.captures.KeptActivation;
import dev.loupe.inference.grpc.requests.CacheNames;
import dev.loupe.inference.grpc.requests.DomainErrors;
import dev.loupe.inference.grpc.requests.Durations;
import dev.loupe.inference.grpc.requests.RequestedCapture;
import dev.loupe.inference.model.ForwardResult;
import dev.loupe.inference.scheduling.Call;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.ActivationCache;
import dev.loupe.proto.inference.v1.CachedEntry;
import dev.loupe.proto.inference.v1.RunForwardPassRequest;
import dev.loupe.proto.tensor.v1.Axis;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.proto.tensor.v1.TensorLayout;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Keeps what forward passes captured, and describes it. */
final class KeptRuns {
  private static final Duration USUAL = Duration.ofMinutes(10);
  private static final Duration LONGEST = Duration.ofDays(1);

  private static final int SHORTEST_KEY = 16;
  private static final int LONGEST_KEY = 128;

  private KeptRuns() {}

  /** How long a request's captures are to be kept. */
  static Duration timeToLive(RunForwardPassRequest request) {
    if (request.getCapturesCount() == 0) {
      throw LoupeException.of(
              ErrorReason.INVALID_VALUE, "keep is set, but there are no captures to keep")
          .with("field", "captures");
    }
    if (!request.getKeep().hasTimeToLive()) {
      return USUAL;
    }
    return Durations.read("keep.time_to_live", request.getKeep().getTimeToLive(), LONGEST);
  }

  /** The key under which captures are listed; empty for none. */
  static String ownerKey(String field, String key) {
    if (!key.isEmpty() && (key.length() < SHORTEST_KEY || key.length() > LONGEST_KEY)) {
      // Not the key itself: messages end up in logs.
      throw LoupeException.of(
              ErrorReason.INVALID_VALUE,
              "%s has %d characters; give %d to %d that nobody can guess"
                  .formatted(field, key.length(), SHORTEST_KEY, LONGEST_KEY))
          .with("field", field);
    }
    return key;
  }

  /** Room for a plan's captures; it says what would fit when there is none. */
  static ActivationCaches.Room room(ForwardPlan plan, Call call) {
    long bytes = 0;
    for (RequestedCapture capture : plan.captures()) {
      bytes = Math.addExact(bytes, capture.bytes(plan.places()));
    }
    long all = bytes;
    return DomainErrors.translated(
        () -> plan.model().caches().room(call.tenant(), plan.ownerKey(), all, plan.keep()));
  }

  /** Fills the room with what a pass gave. */
  static ActivationCache keep(ForwardPlan plan, ForwardResult result, ActivationCaches.Room room) {
    List<KeptActivation> made = new ArrayList<>();
    for (RequestedCapture capture : plan.captures()) {
      List<NDArray> kept = result.reading(capture.compiled());
      CaptureLayout layout = capture.layout(plan.places());
      NDArray indices = kept.size() > 1 ? kept.get(1) : null;
      made.add(
          new KeptActivation(
              capture.compiled().capture(), capture.index(), layout, kept.get(0), indices));
    }
    CacheInfo info = DomainErrors.translated(() -> room.fill(plan.places(), made));
    return message(plan.model(), info);
  }

  /** A cache as a message. */
  static ActivationCache message(ServedModel model, CacheInfo info) {
    ActivationCache.Builder message =
        ActivationCache.newBuilder()
            .setName(CacheNames.of(model, info.id()))
            .setBytes(info.bytes())
            .setExpireTime(
                Timestamp.newBuilder()
                    .setSeconds(info.expires().getEpochSecond())
                    .setNanos(info.expires().getNano()));
    for (KeptActivation kept : info.activations()) {
      TensorLayout.Builder layout = TensorLayout.newBuilder().setDtype(DType.DTYPE_F32);
      for (int i = 0; i < kept.layout().labels().size(); i++) {
        layout.addAxes(
            Axis.newBuilder()
                .setName(kept.layout().labels().get(i))
                .setSize(kept.layout().sizes().get(i)));
      }
      message.addEntries(
          CachedEntry.newBuilder()
              .setHookPoint(kept.capture().point().name())
              .setLayout(layout)
              .setCapture(kept.index()));
    }
    return message.build();
  }
}
