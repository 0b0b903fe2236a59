package dev.loupe.inference.model.hooks;

import dev.loupe.tensor.HostTensor;
import java.util.List;

/**
 * Interventions in plain loops over doubles, one place after another, as their definitions read.
 * Arrays are row-major [batch, ...] with the axes of the hook point.
 */
public final class SlowEdits {
  private final HookKind kind;
  private final int[] shape;
  private final PassRows rows;

  /** Edits of values of this shape, the batch axis first. */
  public SlowEdits(HookKind kind, int[] shape, PassRows rows) {
    this.kind = kind;
    this.shape = shape;
    this.rows = rows;
  }

  private int heads() {
    return kind.headAxis() < 0 ? 1 : shape[kind.headAxis()];
  }

  private int last() {
    return shape[shape.length - 1];
  }

  private int index(int row, int column, int head, int entry) {
    int width = rows.columns();
    int place =
        kind.isAttentionMap()
            ? (row * heads() + head) * width + column
            : (row * width + column) * heads() + head;
    return place * last() + entry;
  }

  /** The value after an intervention. */
  public double[] apply(Intervention intervention, double[] x) {
    double[] y = x.clone();
    Selection selection = intervention.selection();
    for (int row = 0; row < rows.rows(); row++) {
      if (!selection.rows().isEmpty() && !selection.rows().contains(row)) {
        continue;
      }
      for (int column = 0; column < rows.columns(); column++) {
        for (int head = 0; head < heads(); head++) {
          if (selected(selection, row, column, head)) {
            double[] edited = edited(intervention, x, row, column, head);
            for (int i = 0; i < last(); i++) {
              if (selection.neurons().isEmpty() || selection.neurons().contains(i)) {
                y[index(row, column, head, i)] = edited[i];
              }
            }
          }
        }
      }
    }
    return y;
  }

  private boolean selected(Selection selection, int row, int column, int head) {
    if (!selection.heads().isEmpty() && !selection.heads().contains(head)) {
      return false;
    }
    return selection.positions().isEmpty() || listed(selection, row, column) >= 0;
  }

  /** The last place in the list of positions that means this column, or -1. */
  private int listed(Selection selection, int row, int column) {
    int found = -1;
    for (int i = 0; i < selection.positions().size(); i++) {
      int position = selection.positions().get(i);
      int absolute = position < 0 ? rows.length(row) + position : position;
      if (absolute == rows.starts()[row] + column && column < rows.counts()[row]) {
        found = i;
      }
    }
    return found;
  }

  private double[] edited(Intervention intervention, double[] x, int row, int column, int head) {
    double[] whole = spanned(intervention.edit(), x, row, column, head);
    int offset = whole.length == last() ? 0 : head * last();
    double[] result;
    if (intervention.edit() instanceof Edit.BatchMean mean) {
      result = mean.eachPosition() ? mean(x, row, column, head) : mean(x, head);
    } else if (intervention.edit() instanceof Edit.Patch patch) {
      result = patched(intervention.selection(), patch, x, row, column, head);
    } else {
      result = local(intervention.edit(), whole);
    }
    double[] own = new double[last()];
    System.arraycopy(result, result.length == last() ? 0 : offset, own, 0, last());
    return own;
  }

  /** The vector that an edit looks at: one head's, or all heads' when its vectors span them. */
  private double[] spanned(Edit edit, double[] x, int row, int column, int head) {
    int width = vector(edit);
    boolean all = width > last();
    double[] whole = new double[all ? width : last()];
    for (int i = 0; i < whole.length; i++) {
      whole[i] = x[index(row, column, all ? i / last() : head, i % last())];
    }
    return whole;
  }

  private static int vector(Edit edit) {
    if (edit instanceof Edit.SetValue set) {
      return set.values().length;
    } else if (edit instanceof Edit.AddDirection add) {
      return add.direction().length;
    } else if (edit instanceof Edit.AddInNorms add) {
      return add.direction().length;
    } else if (edit instanceof Edit.ProjectOut out) {
      return out.directions().get(0).length;
    } else if (edit instanceof Edit.Swap swap) {
      return swap.first().length;
    } else if (edit instanceof Edit.ClampFeature clamp) {
      return clamp.encoder().length;
    }
    return 0;
  }

  private double[] mean(double[] x, int row, int column, int head) {
    double[] mean = new double[last()];
    int count = 0;
    for (int other = 0; other < rows.rows(); other++) {
      int there = rows.starts()[row] + column - rows.starts()[other];
      if (there >= 0 && there < rows.counts()[other]) {
        count++;
        for (int i = 0; i < last(); i++) {
          mean[i] += x[index(other, there, head, i)];
        }
      }
    }
    for (int i = 0; i < last(); i++) {
      mean[i] = count == 0 ? x[index(row, column, head, i)] : mean[i] / count;
    }
    return mean;
  }

  private double[] mean(double[] x, int head) {
    double[] mean = new double[last()];
    int tokens = 0;
    for (int row = 0; row < rows.rows(); row++) {
      tokens += rows.counts()[row];
      for (int column = 0; column < rows.counts()[row]; column++) {
        for (int i = 0; i < last(); i++) {
          mean[i] += x[index(row, column, head, i)];
        }
      }
    }
    for (int i = 0; i < last(); i++) {
      mean[i] /= tokens;
    }
    return mean;
  }

  private double[] patched(
      Selection selection, Edit.Patch patch, double[] x, int row, int column, int head) {
    double[] result = new double[last()];
    int absolute = rows.starts()[row] + column;
    boolean fromRow = patch.source() instanceof Edit.Source.Row;
    int length =
        fromRow
            ? rows.length(((Edit.Source.Row) patch.source()).row())
            : (int) ((Edit.Source.Given) patch.source()).value().shape()[kind.positionAxis() - 1];
    if (!patch.sourcePositions().isEmpty()) {
      absolute = patch.sourcePositions().get(listed(selection, row, column));
      absolute = absolute < 0 ? length + absolute : absolute;
    }
    int from = fromRow ? ((Edit.Source.Row) patch.source()).row() : -1;
    boolean padding = selection.positions().isEmpty() && column >= rows.counts()[row];
    int there = absolute - (fromRow ? rows.starts()[from] : 0);
    boolean passedOver = padding || absolute >= length || there < 0;
    for (int i = 0; i < last(); i++) {
      if (passedOver) {
        result[i] = x[index(row, column, head, i)];
      } else if (fromRow) {
        result[i] = x[index(from, there, head, i)];
      } else {
        boolean map = kind.isAttentionMap();
        HostTensor given = ((Edit.Source.Given) patch.source()).value();
        int width = (int) given.shape()[given.shape().length - 1];
        int place = map ? head * length + there : there * heads() + head;
        boolean beyond = map && i >= rows.length(row); // a key that the row has not
        result[i] = beyond ? x[index(row, column, head, i)] : given.floatAt(place * width + i);
      }
    }
    return result;
  }

  private static double[] local(Edit edit, double[] x) {
    double[] y = x.clone();
    for (int i = 0; i < x.length; i++) {
      if (edit instanceof Edit.Zero) {
        y[i] = 0;
      } else if (edit instanceof Edit.Scale scale) {
        y[i] = scale.factor() * x[i];
      } else if (edit instanceof Edit.SetValue set) {
        y[i] = set.values()[set.values().length == 1 ? 0 : i];
      } else if (edit instanceof Edit.AddDirection add) {
        y[i] = x[i] + (double) add.coefficient() * add.direction()[i];
      } else if (edit instanceof Edit.AddInNorms add) {
        double[] d = doubles(add.direction());
        y[i] = x[i] + add.coefficient() * norm(x) * d[i] / norm(d);
      }
    }
    if (edit instanceof Edit.ProjectOut out) {
      return projectedOut(out.directions(), x);
    }
    if (edit instanceof Edit.Swap swap) {
      return swapped(doubles(swap.first()), doubles(swap.second()), x);
    }
    return edit instanceof Edit.ClampFeature clamp ? clamped(clamp, x) : y;
  }

  /** Least squares by the normal equations, solved by elimination. */
  private static double[] projectedOut(List<float[]> directions, double[] x) {
    int n = directions.size();
    double[][] system = new double[n][n + 1];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        system[i][j] = dot(doubles(directions.get(i)), doubles(directions.get(j)));
      }
      system[i][n] = dot(doubles(directions.get(i)), x);
    }
    double[] y = x.clone();
    double[] coordinates = solved(system);
    for (int i = 0; i < n; i++) {
      for (int k = 0; k < x.length; k++) {
        y[k] -= coordinates[i] * directions.get(i)[k];
      }
    }
    return y;
  }

  private static double[] swapped(double[] first, double[] second, double[] x) {
    double c = dot(first, second) / norm(first) / norm(second);
    double[][] system = {
      {1, c, dot(first, x) / norm(first)}, {c, 1, dot(second, x) / norm(second)}
    };
    double[] coordinates = solved(system);
    double[] y = x.clone();
    for (int k = 0; k < x.length; k++) {
      y[k] +=
          (coordinates[1] - coordinates[0]) * (first[k] / norm(first) - second[k] / norm(second));
    }
    return y;
  }

  private static double[] clamped(Edit.ClampFeature clamp, double[] x) {
    double pre = clamp.encoderBias();
    for (int i = 0; i < x.length; i++) {
      double bias = clamp.decoderBias().length == 0 ? 0 : clamp.decoderBias()[i];
      pre += (x[i] - bias) * clamp.encoder()[i];
    }
    double activation = pre > Math.max(0, clamp.threshold()) ? pre : 0;
    double target =
        clamp.target() instanceof Edit.Target.Value value
            ? value.activation()
            : ((Edit.Target.Multiple) clamp.target()).factor() * activation;
    double[] y = x.clone();
    for (int i = 0; i < x.length; i++) {
      y[i] += (target - activation) * clamp.decoder()[i];
    }
    return y;
  }

  private static double[] solved(double[][] system) {
    int n = system.length;
    for (int pivot = 0; pivot < n; pivot++) {
      for (int row = 0; row < n; row++) {
        if (row != pivot) {
          double factor = system[row][pivot] / system[pivot][pivot];
          for (int k = pivot; k <= n; k++) {
            system[row][k] -= factor * system[pivot][k];
          }
        }
      }
    }
    double[] solution = new double[n];
    for (int i = 0; i < n; i++) {
      solution[i] = system[i][n] / system[i][i];
    }
    return solution;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static double norm(double[] a) {
    return Math.sqrt(dot(a, a));
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }
}
