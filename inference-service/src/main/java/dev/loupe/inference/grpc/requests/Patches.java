package dev.loupe.inference.grpc.requests;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.captures.ActivationCaches;
import dev.loupe.inference.captures.KeptActivation;
import dev.loupe.inference.model.hooks.Edit;
import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.CachedValue;
import dev.loupe.proto.inference.v1.Patch;
import dev.loupe.proto.tensor.v1.Tensor;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;
import dev.loupe.tensor.TensorEngine;

/** Reads patches, and fetches what they take from the activation cache. */
final class Patches {
  /** The largest tensor that comes with an intervention. */
  static final long BYTES = 1L << 20;

  private Patches() {}

  static Edit of(ServedModel model, HookPoint point, String field, Patch message) {
    Edit.Source source =
        switch (message.getSourceCase()) {
          case ROW -> new Edit.Source.Row(message.getRow());
          case CACHED -> new Edit.Source.Given(cached(model, point, field, message.getCached()));
          case VALUE -> new Edit.Source.Given(given(point, field + ".value", message.getValue()));
          case SOURCE_NOT_SET ->
              throw LoupeException.of(
                      ErrorReason.INVALID_VALUE, field + " has no source; set row, cached or value")
                  .with("field", field);
        };
    return new Edit.Patch(source, message.getSourcePositionsList());
  }

  private static HostTensor given(HookPoint point, String field, Tensor message) {
    HostTensor value = FloatTensors.read(field, message, BYTES, "in the shape of one row");
    for (float entry : value.toFloats()) {
      if (!point.kind().mayHold(entry)) {
        throw LoupeException.invalid(ErrorReason.NOT_FINITE, field, entry, "finite numbers");
      }
    }
    return value;
  }

  /** One row of a kept activation, without its padding, in memory of its own. */
  private static HostTensor cached(
      ServedModel model, HookPoint point, String field, CachedValue message) {
    String id = CacheNames.id(model, field + ".cached.cache", message.getCache());
    try (ActivationCaches.Lease lease = DomainErrors.translated(() -> model.caches().lease(id))) {
      KeptActivation kept = whole(point, field, lease);
      int row = message.getRow();
      if (row < 0 || row >= lease.rows().rows()) {
        throw LoupeException.invalidValue(
            field + ".cached.row", row, "0 to " + (lease.rows().rows() - 1));
      }
      int length = lease.rows().length(row);
      try (NDManager scope = TensorEngine.newManager()) {
        NDArray value = kept.values().get(scope, new NDIndex("{}", row));
        return NdArrays.copy(value.get(unpadded(point.kind(), length)));
      }
    }
  }

  private static NDIndex unpadded(HookKind kind, int length) {
    return kind.isAttentionMap()
        ? new NDIndex(":, 0:{}, 0:{}", length, length)
        : new NDIndex("0:{}", length);
  }

  private static KeptActivation whole(HookPoint point, String field, ActivationCaches.Lease lease) {
    for (KeptActivation kept : lease.activations()) {
      if (kept.capture().point().equals(point) && kept.capture().isWhole()) {
        return kept;
      }
    }
    throw LoupeException.of(
            ErrorReason.INVALID_VALUE,
            "%s.cached does not hold %s whole; keep it without positions, heads or reductions"
                .formatted(field, point))
        .with("field", field + ".cached");
  }
}
