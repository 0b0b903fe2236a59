package dev.loupe.inference.model.hooks;

import dev.loupe.inference.model.GptConfig;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** All hook points of one model, in the order in which a pass reaches them. */
public final class HookPoints {
  private static final int SUGGESTIONS = 3;

  private final Map<String, HookPoint> byName;

  /** The catalogue of a model of this shape. */
  public HookPoints(GptConfig config) {
    List<HookPoint> points = new ArrayList<>();
    for (HookKind kind : HookKind.values()) {
      if (kind.isPerLayer()) {
        for (int layer = 0; layer < config.layers(); layer++) {
          points.add(HookPoint.of(kind, layer));
        }
      } else {
        points.add(HookPoint.of(kind));
      }
    }
    Collections.sort(points);
    Map<String, HookPoint> map = new LinkedHashMap<>();
    points.forEach(point -> map.put(point.name(), point));
    byName = Collections.unmodifiableMap(map);
  }

  /** Every hook point, in model order. */
  public List<HookPoint> all() {
    return List.copyOf(byName.values());
  }

  /**
   * The hook point of a name.
   *
   * @throws UnknownHookPointException with the nearest names when there is none
   */
  public HookPoint named(String name) {
    HookPoint point = byName.get(name);
    if (point == null) {
      throw new UnknownHookPointException(name, nearest(name));
    }
    return point;
  }

  private List<String> nearest(String name) {
    String asked = name.length() > 100 ? name.substring(0, 100) : name;
    return byName.keySet().stream()
        .sorted(Comparator.comparingInt(candidate -> distance(asked, candidate)))
        .limit(SUGGESTIONS)
        .toList();
  }

  /** Levenshtein's edit distance. */
  private static int distance(String a, String b) {
    int[] previous = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] current = new int[b.length() + 1];
      current[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        current[j] = Math.min(replaced, Math.min(previous[j], current[j - 1]) + 1);
      }
      previous = current;
    }
    return previous[b.length()];
  }
}
