package dev.loupe.inference.model.hooks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.loupe.tensor.NdArrays;
import java.util.ArrayList;
import java.util.List;

/** The edits that look at one place at a time, with their derivatives. */
final class VectorMaps {
  /** A direction that lies in the span of the others up to rounding adds nothing to it. */
  private static final double DEPENDENT = 1e-6;

  private VectorMaps() {}

  /** An edit that gives the same whatever was there. */
  interface Constant extends LocalEdit.VectorMap {
    @Override
    default NDArray pullback(NDArray x, NDArray cotangent) {
      return null;
    }

    @Override
    default boolean isNonlinear() {
      return false;
    }
  }

  /** x becomes a vector, or a single value everywhere. */
  record Fill(float[] values) implements Constant {
    @Override
    public NDArray of(NDArray x) {
      NDManager manager = x.getManager();
      if (values.length == 1) {
        return manager.full(x.getShape(), values[0]);
      }
      return NdArrays.of(manager, values).broadcast(x.getShape()).duplicate();
    }
  }

  /** x becomes factor * x; of a hidden key's -infinity, 0 times makes no number, as IEEE has it. */
  record Factor(float factor) implements LocalEdit.VectorMap {
    @Override
    public NDArray of(NDArray x) {
      return x.mul(factor);
    }

    @Override
    public NDArray pullback(NDArray x, NDArray cotangent) {
      return factor == 0 ? null : cotangent.mul(factor);
    }

    @Override
    public boolean isNonlinear() {
      return false;
    }
  }

  /** x becomes x + step. */
  record Step(float[] step) implements LocalEdit.VectorMap {
    @Override
    public NDArray of(NDArray x) {
      return x.add(NdArrays.of(x.getManager(), step));
    }

    @Override
    public NDArray pullback(NDArray x, NDArray cotangent) {
      return cotangent;
    }

    @Override
    public boolean isNonlinear() {
      return false;
    }
  }

  /** x becomes x + |x| * step. */
  record StepInNorms(float[] step) implements LocalEdit.VectorMap {
    @Override
    public NDArray of(NDArray x) {
      return norm(x).mul(NdArrays.of(x.getManager(), step)).addi(x);
    }

    @Override
    public NDArray pullback(NDArray x, NDArray cotangent) {
      NDArray along = dot(cotangent, step);
      return x.div(norm(x).maximum(Float.MIN_NORMAL)).muli(along).addi(cotangent);
    }

    @Override
    public boolean isNonlinear() {
      return true;
    }

    private static NDArray norm(NDArray x) {
      return x.mul(x).sum(new int[] {-1}, true).sqrt();
    }
  }

  /** x becomes x - factor * (x . q) q summed over orthonormal vectors q; symmetric. */
  record Remove(float[] basis, int count, float factor) implements LocalEdit.VectorMap {
    @Override
    public NDArray of(NDArray x) {
      int width = basis.length / count;
      NDArray q = NdArrays.of(x.getManager(), basis, new Shape(count, width));
      return x.matMul(q.transpose()).matMul(q).muli(-factor).addi(x);
    }

    @Override
    public NDArray pullback(NDArray x, NDArray cotangent) {
      return of(cotangent);
    }

    @Override
    public boolean isNonlinear() {
      return false;
    }
  }

  /** The rank-one clamp of {@link Edit.ClampFeature}. */
  record Clamp(Edit.ClampFeature feature) implements LocalEdit.VectorMap {
    @Override
    public NDArray of(NDArray x) {
      NDArray pre = pre(x);
      NDArray activation = active(pre).muli(pre);
      NDArray change =
          feature.target() instanceof Edit.Target.Value target
              ? activation.neg().addi(target.activation())
              : activation.muli(((Edit.Target.Multiple) feature.target()).factor() - 1);
      return change.mul(NdArrays.of(x.getManager(), feature.decoder())).addi(x);
    }

    @Override
    public NDArray pullback(NDArray x, NDArray cotangent) {
      float slope =
          feature.target() instanceof Edit.Target.Multiple multiple ? multiple.factor() - 1 : -1;
      NDArray along = active(pre(x)).muli(dot(cotangent, feature.decoder())).muli(slope);
      return along.mul(NdArrays.of(x.getManager(), feature.encoder())).addi(cotangent);
    }

    @Override
    public boolean isNonlinear() {
      return true;
    }

    private NDArray pre(NDArray x) {
      NDManager manager = x.getManager();
      NDArray input =
          feature.decoderBias().length == 0
              ? x
              : x.sub(NdArrays.of(manager, feature.decoderBias()));
      return dot(input, feature.encoder()).addi(feature.encoderBias());
    }

    private NDArray active(NDArray pre) {
      return pre.gt(Math.max(0, feature.threshold())).toType(pre.getDataType(), false);
    }
  }

  /** The orthonormal basis of a span, by Gram and Schmidt's method in double precision, twice. */
  static Remove projection(List<float[]> directions) {
    List<double[]> basis = new ArrayList<>();
    for (float[] direction : directions) {
      double[] rest = unit(direction);
      for (int pass = 0; pass < 2; pass++) {
        for (double[] earlier : basis) {
          double along = dot(rest, earlier);
          for (int i = 0; i < rest.length; i++) {
            rest[i] -= along * earlier[i];
          }
        }
      }
      double length = Math.sqrt(dot(rest, rest));
      if (length > DEPENDENT) {
        for (int i = 0; i < rest.length; i++) {
          rest[i] /= length;
        }
        basis.add(rest);
      }
    }
    int width = directions.get(0).length;
    float[] flat = new float[basis.size() * width];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = (float) basis.get(i / width)[i % width];
    }
    return new Remove(flat, basis.size(), 1);
  }

  /** The reflection that exchanges two directions. */
  static Remove reflection(float[] first, float[] second) {
    double[] a = unit(first);
    double[] b = unit(second);
    double[] between = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      between[i] = a[i] - b[i];
    }
    double length = Math.sqrt(dot(between, between));
    float[] normal = new float[a.length];
    for (int i = 0; i < a.length; i++) {
      normal[i] = (float) (between[i] / length);
    }
    return new Remove(normal, 1, 2);
  }

  /** The step of {@link Edit.AddInNorms}: coefficient * direction / |direction|. */
  static StepInNorms stepInNorms(float[] direction, float coefficient) {
    double[] unit = unit(direction);
    float[] step = new float[unit.length];
    for (int i = 0; i < step.length; i++) {
      step[i] = (float) (coefficient * unit[i]);
    }
    return new StepInNorms(step);
  }

  /** A direction's length in double precision, which no finite float vector overflows. */
  static double length(float[] direction) {
    double sum = 0;
    for (float value : direction) {
      sum += (double) value * value;
    }
    return Math.sqrt(sum);
  }

  /** The cosine of the angle between two directions. */
  static double cosine(float[] first, float[] second) {
    return dot(unit(first), unit(second));
  }

  private static double[] unit(float[] direction) {
    double length = length(direction);
    double[] unit = new double[direction.length];
    for (int i = 0; i < unit.length; i++) {
      unit[i] = direction[i] / length;
    }
    return unit;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  /** [..., width] to [..., 1]. */
  private static NDArray dot(NDArray x, float[] vector) {
    return x.matMul(NdArrays.of(x.getManager(), vector, new Shape(vector.length, 1)));
  }
}
