package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
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
      NDArray array = NdArrays.of(value.getManager(), given);
      there = array.get(box.indexInSource()).expandDims(0);
      if (point.kind().isAttentionMap()) {
        return withKeys(there, box.in(value), rows.length(box.row()));
      }
    }
    return there.duplicate();
  }

  @Override
  public void pullback(NDArray value, EditBox box, NDArray cotangent, NDArray into, PassRows rows) {
    if (source instanceof Edit.Source.Row row) {
      inBatch(box, row, rows).in(into).addi(cotangent);
      return;
    }
    int tokens = rows.length(box.row());
    if (point.kind().isAttentionMap() && tokens < cotangent.getShape().get(3)) {
      NDIndex beyond = new NDIndex(":, :, :, {}:", tokens);
      box.in(into).get(beyond).addi(cotangent.get(beyond));
    }
  }

  private static EditBox inBatch(EditBox box, Edit.Source.Row row, PassRows rows) {
    int first = box.source() - rows.starts()[row.row()];
    return box.ofRows(row.row(), row.row() + 1).ofColumns(first, first + box.columns());
  }

  /**
   * The given keys in place of a row's own; what is given beyond them, and what is padded beyond
   * them, is passed over, so the row gets the same beside longer ones.
   */
  private NDArray withKeys(NDArray given, NDArray before, int tokens) {
    long keys = given.getShape().get(3);
    if (keys < tokens) {
      throw new InvalidInterventionException(
          InvalidInterventionException.Kind.WRONG_SHAPE,
          "value",
          "the patch for %s has %d keys; expected %d or more, as many as the row has tokens"
              .formatted(point, keys, tokens));
    }
    NDIndex own = new NDIndex(":, :, :, 0:{}", tokens);
    NDArray result = before.duplicate();
    result.set(own, given.get(own));
    return result;
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
