package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.Capture;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** Reads which activations to keep. */
public final class Captures {
  private static final int MOST = 1_000;

  private Captures() {}

  /** The hook points that the captures name, in model order. */
  public static SortedSet<HookPoint> points(ServedModel model, List<Capture> captures, int least) {
    Checks.size("captures", captures.size(), least, MOST);
    SortedSet<HookPoint> points = new TreeSet<>();
    for (Capture capture : captures) {
      String name = capture.getHookPoint();
      points.addAll(DomainErrors.translated(() -> model.hookPoints().matching(name)));
    }
    return points;
  }

  /** Exact names, in the order given. */
  public static List<HookPoint> named(ServedModel model, String field, List<String> names) {
    Checks.size(field, names.size(), 1, MOST);
    return names.stream()
        .distinct()
        .map(name -> DomainErrors.translated(() -> model.hookPoints().named(name)))
        .toList();
  }
}
