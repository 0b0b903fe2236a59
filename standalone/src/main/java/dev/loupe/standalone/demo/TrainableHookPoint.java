package dev.loupe.standalone.demo;

import dev.loupe.standalone.client.CallFailure;
import dev.loupe.standalone.client.HookPointInfo;
import dev.loupe.standalone.client.ModelClient;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Set;
import java.util.stream.Collectors;

/** Where a dictionary can be trained. */
public final class TrainableHookPoint {
  private static final Set<String> AXES = Set.of("d_model", "d_mlp");

  private TrainableHookPoint() {}

  /**
   * The name of the hook point that a reader asks for, by any of its names.
   *
   * @throws DemoException when the model has none of that name, with the nearest; or when no
   *     dictionary can be trained on its value, with those of the same block that one can
   */
  public static String of(ModelClient model, String asked) {
    if (asked.indexOf('*') >= 0) {
      throw new DemoException("--hook-point is '" + asked + "'; a dictionary reads one hook point");
    }
    HookPointInfo point = find(model, asked);
    if (AXES.contains(point.lastAxis())) {
      return point.name();
    }
    String block = point.name().replaceFirst("^(blocks\\.\\d+\\.).*", "$1");
    String fitting =
        model.hookPoints().stream()
            .filter(other -> other.name().startsWith(block) && AXES.contains(other.lastAxis()))
            .map(HookPointInfo::name)
            .collect(Collectors.joining(", "));
    throw new DemoException(
        "--hook-point is '%s', whose last axis is %s; a dictionary reads one with d_model or d_mlp: %s"
            .formatted(
                asked,
                point.lastAxis(),
                fitting.isEmpty() ? "such as blocks.0.hook_resid_post" : fitting));
  }

  private static HookPointInfo find(ModelClient model, String asked) {
    try {
      return model.hookPoint(asked);
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() == Status.Code.INVALID_ARGUMENT) {
        throw new DemoException("--hook-point: " + CallFailure.explain(e), e);
      }
      throw e;
    }
  }
}
