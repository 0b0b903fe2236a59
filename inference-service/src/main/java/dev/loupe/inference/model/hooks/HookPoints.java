package dev.loupe.inference.model.hooks;

import dev.loupe.inference.model.GptConfig;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** All hook points of one model, in the order in which a pass reaches them. */
public final class HookPoints {
  private static final int SUGGESTIONS = 3;
  private static final int LONGEST_SHORT = 40;

  /** A layer's type behind its number, which get_act_name takes and does not need here. */
  private static final Pattern TYPED = Pattern.compile("([a-z_]+\\d+)(?:a|attn|attention|m|mlp)");

  private final Map<String, HookPoint> byName;
  private final Map<String, HookPoint> byAlias;
  private final Map<HookPoint, List<String>> aliases;

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
    byAlias = new HashMap<>();
    aliases = new HashMap<>();
    for (HookPoint point : points) {
      List<String> others = HookAliases.of(point, config.layers());
      aliases.put(point, others);
      others.forEach(other -> byAlias.put(other, point));
    }
  }

  /** Every hook point, in model order. */
  public List<HookPoint> all() {
    return List.copyOf(byName.values());
  }

  /** A point's other names, which mean the same wherever a name is read. */
  public List<String> aliases(HookPoint point) {
    return aliases.get(point);
  }

  /**
   * The hook point of a name or alias.
   *
   * @throws UnknownHookPointException with the nearest names when there is none, or with the reason
   *     where TransformerLens has the name and it holds no activation
   */
  public HookPoint named(String name) {
    HookPoint point = find(name);
    if (point != null) {
      return point;
    }
    String refusal = HookAliases.refusal(name);
    throw refusal == null
        ? new UnknownHookPointException(name, nearest(name))
        : new UnknownHookPointException(name, nearest(name), refusal);
  }

  /**
   * The hook points that a pattern fits, in model order. {@code *} stands for any run of
   * characters; a point is taken when its name or one of its aliases fits.
   *
   * @throws UnknownHookPointException when none does
   */
  public List<HookPoint> matching(String pattern) {
    if (pattern.indexOf('*') < 0) {
      return List.of(named(pattern));
    }
    List<HookPoint> found = new ArrayList<>();
    for (HookPoint point : byName.values()) {
      if (NameGlob.matches(pattern, point.name())
          || aliases.get(point).stream().anyMatch(alias -> NameGlob.matches(pattern, alias))) {
        found.add(point);
      }
    }
    if (found.isEmpty()) {
      throw new UnknownHookPointException(pattern, nearest(pattern));
    }
    return found;
  }

  private HookPoint find(String name) {
    HookPoint point = byName.get(name);
    if (point == null) {
      point = byAlias.get(name);
    }
    if (point == null && name.length() <= LONGEST_SHORT) {
      Matcher typed = TYPED.matcher(name);
      return typed.matches() ? byAlias.get(typed.group(1)) : null;
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
