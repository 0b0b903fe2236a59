package dev.loupe.inference.captures;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.tensor.TensorEngine;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;

/** The activations that one run left, in host memory. Its owner guards what changes. */
final class CacheEntry {
  final String id;
  final String tenant;
  final String ownerKey;
  final long bytes;
  final Instant expires;
  final PassRows rows;
  final List<KeptActivation> activations = new ArrayList<>();
  private final NDManager manager;
  long number;
  Future<?> expiry;
  int holders = 1; // the owner's list is one

  CacheEntry(
      String id, String tenant, String ownerKey, long bytes, Instant expires, PassRows rows) {
    this.id = id;
    this.tenant = tenant;
    this.ownerKey = ownerKey;
    this.bytes = bytes;
    this.expires = expires;
    this.rows = rows;
    this.manager = TensorEngine.newManager().newSubManager(Device.cpu());
  }

  /** A copy in this entry's memory: a capture may be a view of something larger. */
  NDArray copied(NDArray array) {
    NDArray copy =
        array.getDevice().isGpu() ? array.toDevice(Device.cpu(), true) : array.duplicate();
    copy.attach(manager);
    return copy;
  }

  void free() {
    manager.getParentManager().close();
  }
}
