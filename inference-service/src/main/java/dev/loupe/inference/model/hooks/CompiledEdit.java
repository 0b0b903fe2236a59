package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.inference.model.GptConfig;

/** An intervention that fits its hook point, ready to be applied. */
final class CompiledEdit {
  private final Intervention intervention;

  private CompiledEdit(Intervention intervention) {
    this.intervention = intervention;
  }

  static CompiledEdit of(GptConfig config, Intervention intervention) {
    EditValidation.check(config, intervention);
    return new CompiledEdit(intervention);
  }

  NDArray apply(NDArray value, PassRows rows) {
    NDArray mask = SelectionMask.of(intervention.point(), intervention.selection(), value, rows);
    NDArray edited = edited(intervention.edit(), value);
    return mask == null ? edited : NDArrays.where(mask, edited, value);
  }

  private static NDArray edited(Edit edit, NDArray x) {
    NDManager manager = x.getManager();
    if (edit instanceof Edit.Zero) {
      return x.zerosLike();
    }
    if (edit instanceof Edit.Scale scale) {
      return scale.factor() == 0 ? x.zerosLike() : x.mul(scale.factor());
    }
    if (edit instanceof Edit.SetValue set) {
      if (set.values().length == 1) {
        return manager.full(x.getShape(), set.values()[0]);
      }
      NDArray vector = manager.create(set.values());
      return unflatten(vector.broadcast(flattened(x, set.values().length).getShape()), x);
    }
    if (edit instanceof Edit.AddDirection add) {
      NDArray step = manager.create(add.direction()).mul(add.coefficient());
      return unflatten(flattened(x, add.direction().length).add(step), x);
    }
    Edit.ClampFeature clamp = (Edit.ClampFeature) edit;
    return unflatten(clamped(clamp, flattened(x, clamp.encoder().length)), x);
  }

  private static NDArray clamped(Edit.ClampFeature clamp, NDArray x) {
    NDManager manager = x.getManager();
    int width = clamp.encoder().length;
    NDArray encoder = manager.create(clamp.encoder(), new Shape(width, 1));
    NDArray input =
        clamp.decoderBias().length == 0 ? x : x.sub(manager.create(clamp.decoderBias()));
    NDArray pre = input.matMul(encoder).add(clamp.encoderBias());
    NDArray active = pre.gt(Math.max(0, clamp.threshold())).toType(x.getDataType(), false);
    NDArray activation = pre.mul(active);
    NDArray change =
        clamp.target() instanceof Edit.Target.Value target
            ? activation.neg().add(target.activation())
            : activation.mul(((Edit.Target.Multiple) clamp.target()).factor() - 1);
    return x.add(change.mul(manager.create(clamp.decoder())));
  }

  /** [batch, pos, head, d_head] as [batch, pos, head * d_head] when a vector spans all heads. */
  private static NDArray flattened(NDArray x, int width) {
    Shape shape = x.getShape();
    int last = shape.dimension() - 1;
    if (shape.get(last) == width || shape.dimension() < 4) {
      return x;
    }
    return x.reshape(shape.get(0), shape.get(1), width);
  }

  private static NDArray unflatten(NDArray edited, NDArray original) {
    return edited.getShape().equals(original.getShape())
        ? edited
        : edited.reshape(original.getShape());
  }
}
