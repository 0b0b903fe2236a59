package dev.loupe.inference.captures;

import dev.loupe.inference.model.hooks.HookKind;
import dev.loupe.inference.model.hooks.PassRows;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Captures in plain loops: a value is a map from coordinates, each with its axis's name, to a
 * number, and every step makes another map.
 */
final class SlowCapture {
  /** Coordinates along named axes, compared in the order of the axes. */
  record Place(List<Integer> at) implements Comparable<Place> {
    @Override
    public int compareTo(Place other) {
      for (int i = 0; i < at.size(); i++) {
        int order = Integer.compare(at.get(i), other.at.get(i));
        if (order != 0) {
          return order;
        }
      }
      return 0;
    }

    Place with(int axis, int coordinate) {
      List<Integer> changed = new ArrayList<>(at);
      changed.set(axis, coordinate);
      return new Place(changed);
    }

    Place without(int axis) {
      List<Integer> changed = new ArrayList<>(at);
      changed.remove(axis);
      return new Place(changed);
    }

    Place without(int first, int second) {
      return without(Math.max(first, second)).without(Math.min(first, second));
    }
  }

  private List<String> axes;
  private TreeMap<Place, Double> values = new TreeMap<>();
  private TreeMap<Place, Integer> indices;

  SlowCapture(HookKind kind, long[] shape, float[] flat, PassRows rows) {
    axes = kind.axes().stream().map(axis -> axis.label()).collect(Collectors.toList());
    for (int i = 0; i < flat.length; i++) {
      List<Integer> at = new ArrayList<>();
      int rest = i;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        at.add(0, rest % (int) shape[axis]);
        rest /= (int) shape[axis];
      }
      values.put(new Place(at), (double) flat[i]);
    }
    this.rows = rows;
  }

  private final PassRows rows;

  private int positions() {
    return Math.max(axes.indexOf("pos"), axes.indexOf("query"));
  }

  SlowCapture select(Capture capture) {
    if (!capture.heads().isEmpty()) {
      TreeMap<Place, Double> kept = new TreeMap<>();
      int axis = axes.indexOf("head");
      values.forEach(
          (place, value) -> {
            for (int i = 0; i < capture.heads().size(); i++) {
              if (capture.heads().get(i).equals(place.at().get(axis))) {
                kept.put(place.with(axis, i), value);
              }
            }
          });
      values = kept;
    }
    TreeMap<Place, Double> kept = new TreeMap<>();
    values.forEach(
        (place, value) -> {
          int row = place.at().get(0);
          int position = place.at().get(positions());
          int length = rows.counts()[row];
          if (capture.positions().isEmpty()) {
            if (position < length) {
              kept.put(place, value);
            }
          }
          for (int i = 0; i < capture.positions().size(); i++) {
            int asked = capture.positions().get(i);
            if ((asked < 0 ? length + asked : asked) == position) {
              kept.put(place.with(positions(), i), value);
            }
          }
        });
    values = kept;
    return this;
  }

  SlowCapture reduce(List<Reduction> reductions) {
    for (Reduction reduction : reductions) {
      if (reduction instanceof Reduction.MeanOverRows) {
        mean(0);
      } else if (reduction instanceof Reduction.MeanOverPositions) {
        mean(positions());
      } else if (reduction instanceof Reduction.Norm) {
        norm();
      } else if (reduction instanceof Reduction.Dot dot) {
        dot(dot);
      } else {
        largest(((Reduction.Largest) reduction).count());
      }
    }
    return this;
  }

  private void mean(int axis) {
    TreeMap<Place, double[]> sums = new TreeMap<>();
    values.forEach(
        (place, value) -> {
          double[] sum = sums.computeIfAbsent(place.without(axis), key -> new double[2]);
          sum[0] += value;
          sum[1]++;
        });
    values = new TreeMap<>();
    sums.forEach((place, sum) -> values.put(place, sum[0] / sum[1]));
    axes = new ArrayList<>(axes);
    axes.remove(axis);
  }

  private void norm() {
    int last = axes.size() - 1;
    TreeMap<Place, Double> squares = new TreeMap<>();
    values.forEach(
        (place, value) -> squares.merge(place.with(last, 0), value * value, Double::sum));
    squares.replaceAll((place, sum) -> Math.sqrt(sum));
    values = squares;
  }

  private void dot(Reduction.Dot dot) {
    int last = axes.size() - 1;
    int width =
        1 + values.keySet().stream().mapToInt(place -> place.at().get(last)).max().orElse(0);
    boolean spans = width != dot.width();
    TreeMap<Place, Double> products = new TreeMap<>();
    values.forEach(
        (place, value) -> {
          int entry = place.at().get(last);
          if (spans) {
            entry += width * place.at().get(last - 1);
          }
          Place rest = spans ? place.without(last - 1, last) : place.without(last);
          for (int vector = 0; vector < dot.count(); vector++) {
            List<Integer> at = new ArrayList<>(rest.at());
            at.add(vector);
            products.merge(
                new Place(at), value * dot.vectors()[vector * dot.width() + entry], Double::sum);
          }
        });
    values = products;
    axes = new ArrayList<>(axes);
    if (spans) {
      axes.remove(last - 1);
    }
    axes.set(axes.size() - 1, "vector");
  }

  private void largest(int count) {
    int last = axes.size() - 1;
    TreeMap<Place, Double> tops = new TreeMap<>();
    indices = new TreeMap<>();
    values.forEach(
        (place, value) -> {
          long larger =
              values.entrySet().stream()
                  .filter(other -> other.getKey().without(last).equals(place.without(last)))
                  .filter(other -> Math.abs(other.getValue()) > Math.abs(value))
                  .count();
          if (larger < count) {
            tops.put(place.with(last, (int) larger), value);
            indices.put(place.with(last, (int) larger), place.at().get(last));
          }
        });
    values = tops;
  }

  List<String> axes() {
    return axes;
  }

  /** The number at coordinates, or null for padding. */
  Double at(Integer... coordinates) {
    return values.get(new Place(Arrays.asList(coordinates)));
  }

  Integer indexAt(Integer... coordinates) {
    return indices.get(new Place(Arrays.asList(coordinates)));
  }

  int size() {
    return values.size();
  }
}
