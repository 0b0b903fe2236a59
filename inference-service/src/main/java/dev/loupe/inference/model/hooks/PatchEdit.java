package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import dev.loupe.tensor.HostTensor;
import dev.loupe.tensor.NdArrays;

/** Replaces places of a row by the values of another row, or of a tensor. */
final class PatchEdit implements BoxEdit {
  private final HookPoint point;
  private final Edit.Source source;

  PatchEdit(HookPoint point, Edit.Source source) {
    this.point = point;
    this.source = source;
  }

  /** Tokens that the source has, once the pass is done. */
  int length(PassRows rows) {
    if (source instanceof Edit.Source.Row row) {
      if (row.row() >= rows.rows()) {
        throw new InvalidInterventionException(
            InvalidInterventionException.Kind.OUT_OF_RANGE,
            "row",
            "the patch comes from row %d; expected 0 to %d".formatted(row.row(), rows.rows() - 1));
      }
      return rows.length(row.row());
    }
    HostTensor given = ((Edit.Source.Given) source).value();
    return (int) given.shape()[point.kind().positionAxis() - 1];
  }

  /** False when the source's positions lie in an earlier pass over the same rows. */
  boolean reaches(EditBox box, PassRows rows) {
    return !(source instanceof Edit.Source.Row row) || box.source() >= rows.starts()[row.row()];
  }

  @Override
  public NDArray edited(NDArray value, EditBox box, PassRows rows) {
    NDArray there;
    if (source instanceof Edit.Source.Row row) {
      there = inBatch(box, row, rows).in(value);
    } else {
      HostTensor given = ((Edit.Source.Given) source).value();
      checkKeys(given, value);
      NDArray array = NdArrays.of(value.getManager(), given);
      there = array.get(box.indexInSource()).expandDims(0);
    }
    return there.duplicate();
  }

  @Override
  public void pullback(NDArray value, EditBox box, NDArray cotangent, NDArray into, PassRows rows) {
    if (source instanceof Edit.Source.Row row) {
      inBatch(box, row, rows).in(into).addi(cotangent);
    }
  }

  private static EditBox inBatch(EditBox box, Edit.Source.Row row, PassRows rows) {
    int first = box.source() - rows.starts()[row.row()];
    return box.ofRows(row.row(), row.row() + 1).ofColumns(first, first + box.columns());
  }

  private void checkKeys(HostTensor given, NDArray value) {
    if (!point.kind().isAttentionMap()) {
      return;
    }
    long keys = value.getShape().get(value.getShape().dimension() - 1);
    if (given.shape()[2] != keys) {
      throw new InvalidInterventionException(
          InvalidInterventionException.Kind.WRONG_SHAPE,
          "value",
          "the patch for %s has %d keys; this pass has %d"
              .formatted(point, given.shape()[2], keys));
    }
  }

  @Override
  public boolean needsValue() {
    return false;
  }

  @Override
  public boolean isLocal() {
    return false;
  }
}
