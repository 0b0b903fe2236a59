package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.captures.ActivationCaches;
import dev.loupe.inference.captures.Capture;
import dev.loupe.inference.captures.CompiledCapture;
import dev.loupe.inference.captures.KeptActivation;
import dev.loupe.inference.captures.Reduction;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.serving.ServedModel;
import dev.loupe.proto.inference.v1.MeanOver;
import dev.loupe.proto.tensor.v1.DType;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.ElementType;
import dev.loupe.tensor.HostTensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/** Reads which activations to keep. */
public final class Captures {
  private static final int MOST = 1_000;
  private static final int MOST_POSITIONS = 65_536;
  private static final int MOST_REDUCTIONS = 4;
  private static final long VECTOR_BYTES = 1L << 20;

  private Captures() {}

  /**
   * Everything that the captures name, in the order given; the hook points of one capture in model
   * order. What is asked for twice in the same form is computed once and answered twice.
   *
   * @param field that holds the captures, for errors
   * @param least how many there must be
   */
  public static List<RequestedCapture> of(
      ServedModel model,
      String field,
      List<dev.loupe.proto.inference.v1.Capture> captures,
      int least) {
    Checks.size(field, captures.size(), least, MOST);
    List<RequestedCapture> requested = new ArrayList<>();
    Map<Capture, CompiledCapture> compiled = new HashMap<>();
    for (int i = 0; i < captures.size(); i++) {
      var message = captures.get(i);
      String entry = field + "[" + i + "]";
      List<HookPoint> points =
          located(entry, () -> model.hookPoints().matching(message.getHookPoint()));
      List<Reduction> reductions = reductions(entry, message.getReductionsList());
      ElementType wireType = wireType(entry + ".dtype", message.getDtype());
      Checks.size(entry + ".positions", message.getPositionsCount(), 0, MOST_POSITIONS);
      Checks.size(entry + ".heads", message.getHeadsCount(), 0, MOST);
      for (HookPoint point : points) {
        Capture capture =
            new Capture(
                point, message.getPositionsList(), message.getHeadsList(), reductions, wireType);
        CompiledCapture one =
            located(
                entry,
                () ->
                    compiled.computeIfAbsent(
                        capture, form -> CompiledCapture.of(model.config(), form)));
        requested.add(new RequestedCapture(field, i, one));
      }
    }
    return List.copyOf(requested);
  }

  /**
   * The captures that can be made of kept activations: of a pattern, only the points that were kept
   * whole.
   */
  public static List<RequestedCapture> kept(
      ServedModel model,
      List<dev.loupe.proto.inference.v1.Capture> captures,
      ActivationCaches.Lease lease) {
    Set<HookPoint> whole = new HashSet<>();
    for (KeptActivation kept : lease.activations()) {
      if (kept.capture().isWhole()) {
        whole.add(kept.capture().point());
      }
    }
    List<RequestedCapture> all = of(model, "captures", captures, 1);
    List<RequestedCapture> found =
        all.stream().filter(capture -> whole.contains(capture.point())).toList();
    for (int i = 0; i < captures.size(); i++) {
      int index = i;
      if (all.stream().anyMatch(capture -> capture.index() == index)
          && found.stream().noneMatch(capture -> capture.index() == index)) {
        throw LoupeException.of(
                ErrorReason.INVALID_VALUE,
                "captures[%d] asks for %s, of which nothing was kept whole"
                    .formatted(i, captures.get(i).getHookPoint()))
            .with("field", "captures");
      }
    }
    return found;
  }

  /** Lets a program keep what was asked for. */
  public static void addTo(HookProgram.Builder program, List<RequestedCapture> captures) {
    captures.stream()
        .map(RequestedCapture::compiled)
        .distinct()
        .forEach(compiled -> program.read(compiled.capture().point(), compiled));
  }

  /** Exact names, in the order given, each hook point once. */
  public static List<HookPoint> named(ServedModel model, String field, List<String> names) {
    Checks.size(field, names.size(), 1, MOST);
    return names.stream()
        .map(name -> DomainErrors.translated(() -> model.hookPoints().named(name)))
        .distinct()
        .toList();
  }

  /** Runs domain code for a capture, and says in its errors which capture it was. */
  static <T> T located(String entry, Supplier<T> body) {
    try {
      return body.get();
    } catch (RuntimeException e) {
      throw Located.in(entry, DomainErrors.translate(e));
    }
  }

  private static List<Reduction> reductions(
      String capture, List<dev.loupe.proto.inference.v1.Reduction> messages) {
    Checks.size(capture + ".reductions", messages.size(), 0, MOST_REDUCTIONS);
    List<Reduction> reductions = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      String field = capture + ".reductions[" + i + "]";
      var message = messages.get(i);
      reductions.add(
          switch (message.getReductionCase()) {
            case MEAN -> mean(field, message.getMean());
            case NORM -> new Reduction.Norm();
            case LARGEST -> new Reduction.Largest(message.getLargest().getCount());
            case DOT -> dot(field, message.getDot().getVectors());
            case REDUCTION_NOT_SET ->
                throw LoupeException.of(
                        ErrorReason.INVALID_VALUE,
                        field + " is empty; set mean, norm, largest or dot")
                    .with("field", field);
          });
    }
    return reductions;
  }

  private static Reduction mean(String field, MeanOver message) {
    return switch (message.getAxis()) {
      case "batch" -> new Reduction.MeanOverRows();
      case "pos", "query" -> new Reduction.MeanOverPositions();
      default ->
          throw LoupeException.invalidValue(
              field + ".mean.axis", message.getAxis(), "batch, pos or query");
    };
  }

  private static Reduction dot(String field, dev.loupe.proto.tensor.v1.Tensor message) {
    HostTensor vectors =
        FloatTensors.matrix(field + ".dot.vectors", message, VECTOR_BYTES, "[vector, n]");
    return new Reduction.Dot(vectors.toFloats(), (int) vectors.shape()[1]);
  }

  private static ElementType wireType(String field, DType dtype) {
    return switch (dtype) {
      case DTYPE_UNSPECIFIED, DTYPE_F32 -> ElementType.F32;
      case DTYPE_F16 -> ElementType.F16;
      case DTYPE_BF16 -> ElementType.BF16;
      default ->
          throw LoupeException.invalidValue(field, dtype, "DTYPE_F32, DTYPE_F16 or DTYPE_BF16");
    };
  }
}
