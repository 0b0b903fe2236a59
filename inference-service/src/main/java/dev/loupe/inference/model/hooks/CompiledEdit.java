package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.GptConfig;
import java.util.List;
import java.util.Map;

/**
 * An intervention that fits its hook point, ready to be applied. Only the selected places are
 * computed; what is left as it was is copied at most once.
 */
final class CompiledEdit {
  private final Intervention intervention;
  private final EditPlaces places;
  private final BoxEdit edit;

  private CompiledEdit(GptConfig config, Intervention intervention, BoxEdit edit) {
    HookKind kind = intervention.point().kind();
    this.intervention = intervention;
    this.places =
        new EditPlaces(kind, intervention.selection(), kind.headAxis() < 0 ? 1 : config.heads());
    this.edit = edit;
  }

  /**
   * Checks an intervention and makes it ready.
   *
   * @param made of edits so far, by identity; an edit of many hook points is made once
   * @throws InvalidInterventionException when it does not fit its hook point
   */
  static CompiledEdit of(GptConfig config, Intervention intervention, Map<Edit, BoxEdit> made) {
    EditValidation.check(config, intervention);
    BoxEdit edit =
        intervention.edit() instanceof Edit.Patch patch
            ? new PatchEdit(intervention.point(), patch.source())
            : made.computeIfAbsent(intervention.edit(), CompiledEdit::boxEdit);
    return new CompiledEdit(config, intervention, edit);
  }

  private static BoxEdit boxEdit(Edit edit) {
    if (edit instanceof Edit.Zero) {
      return new LocalEdit(new VectorMaps.Fill(new float[1]), 0);
    }
    if (edit instanceof Edit.Scale scale) {
      return new LocalEdit(new VectorMaps.Factor(scale.factor()), 0);
    }
    if (edit instanceof Edit.SetValue set) {
      int width = set.values().length == 1 ? 0 : set.values().length;
      return new LocalEdit(new VectorMaps.Fill(set.values()), width);
    }
    if (edit instanceof Edit.AddDirection add) {
      float[] step = add.direction().clone();
      for (int i = 0; i < step.length; i++) {
        step[i] *= add.coefficient();
      }
      return new LocalEdit(new VectorMaps.Step(step), step.length);
    }
    if (edit instanceof Edit.AddInNorms add) {
      return new LocalEdit(
          VectorMaps.stepInNorms(add.direction(), add.coefficient()), add.direction().length);
    }
    if (edit instanceof Edit.ProjectOut out) {
      return new LocalEdit(VectorMaps.projection(out.directions()), out.directions().get(0).length);
    }
    if (edit instanceof Edit.Swap swap) {
      return new LocalEdit(VectorMaps.reflection(swap.first(), swap.second()), swap.first().length);
    }
    if (edit instanceof Edit.ClampFeature clamp) {
      return new LocalEdit(new VectorMaps.Clamp(clamp), clamp.encoder().length);
    }
    return new MeanEdit(((Edit.BatchMean) edit).eachPosition());
  }

  /**
   * The activation with the edit.
   *
   * @param mayOverwrite true when nobody else reads the value's memory
   */
  NDArray apply(NDArray value, PassRows rows, boolean mayOverwrite) {
    List<EditBox> boxes = boxes(rows);
    NDArray neurons = neurons(value);
    if (boxes.size() == 1 && neurons == null && boxes.get(0).isWhole(value)) {
      return broadcast(edit.edited(value, boxes.get(0), rows), value);
    }
    NDArray result = mayOverwrite && edit.isLocal() ? value : value.duplicate();
    for (EditBox box : boxes) {
      NDArray edited = edit.edited(value, box, rows);
      if (neurons != null) {
        NDArray before = box.in(value);
        edited = pick(neurons, broadcast(edited, before), before);
      }
      result.set(box.index(), edited);
    }
    return result;
  }

  /**
   * The vector-Jacobian product: how a metric changes with the activation before the edit, given
   * how it changes with the activation after it.
   *
   * @param value the activation before the edit; null unless {@link #needsValue}
   * @param cotangent in the activation's shape
   */
  NDArray pullback(NDArray value, NDArray cotangent, PassRows rows) {
    NDArray neurons = neurons(cotangent);
    NDArray result = cotangent.duplicate();
    List<EditBox> boxes = boxes(rows);
    for (EditBox box : boxes) {
      NDArray passed = box.in(cotangent);
      NDArray kept =
          neurons == null ? passed.zerosLike() : pick(neurons, passed.zerosLike(), passed);
      result.set(box.index(), kept);
    }
    for (EditBox box : boxes) {
      NDArray passed = box.in(cotangent);
      NDArray selected = neurons == null ? passed : pick(neurons, passed, passed.zerosLike());
      edit.pullback(value, box, selected, result, rows);
    }
    return result;
  }

  /** True when the pullback looks at the activation. */
  boolean needsValue() {
    return edit.needsValue();
  }

  /**
   * Looks whether the rows have what the intervention selects.
   *
   * @throws InvalidInterventionException when they have not
   */
  void check(PassRows rows) {
    boxes(rows);
  }

  private List<EditBox> boxes(PassRows rows) {
    if (intervention.edit() instanceof Edit.Patch patch) {
      PatchEdit source = (PatchEdit) edit;
      return places.boxes(rows, patch.sourcePositions(), source.length(rows)).stream()
          .filter(box -> source.reaches(box, rows))
          .toList();
    }
    return places.boxes(rows);
  }

  /** [last], true at the selected entries; null when all are. */
  private NDArray neurons(NDArray value) {
    List<Integer> selected = intervention.selection().neurons();
    if (selected.isEmpty()) {
      return null;
    }
    int width = (int) value.getShape().get(value.getShape().dimension() - 1);
    boolean[] flags = new boolean[width];
    for (int neuron : selected) {
      if (neuron < width) {
        flags[neuron] = true;
      } else if (!intervention.point().kind().isAttentionMap()) {
        throw new IllegalStateException("entry " + neuron + " of an axis of " + width);
      }
    }
    return value.getManager().create(flags, new Shape(width));
  }

  private static NDArray pick(NDArray neurons, NDArray selected, NDArray others) {
    return NDArrays.where(neurons.broadcast(selected.getShape()), selected, others);
  }

  private static NDArray broadcast(NDArray edited, NDArray value) {
    return edited.getShape().equals(value.getShape())
        ? edited
        : edited.broadcast(value.getShape()).duplicate();
  }
}
