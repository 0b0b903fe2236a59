package dev.loupe.inference.grpc.requests;

import dev.loupe.inference.analysis.InvalidMaskException;
import dev.loupe.inference.analysis.PositionOutOfRangeException;
import dev.loupe.inference.captures.CacheFullException;
import dev.loupe.inference.captures.InvalidCaptureException;
import dev.loupe.inference.captures.UnknownCacheException;
import dev.loupe.inference.gradients.IncompatibleGradientException;
import dev.loupe.inference.gradients.InvalidLinearAttributionException;
import dev.loupe.inference.metrics.InvalidMetricException;
import dev.loupe.inference.model.NotFiniteException;
import dev.loupe.inference.model.TokenRangeException;
import dev.loupe.inference.model.hooks.InvalidInterventionException;
import dev.loupe.inference.model.hooks.UnknownHookPointException;
import dev.loupe.inference.neurons.InvalidUnitsException;
import dev.loupe.inference.tokenizer.NoTokenizerException;
import dev.loupe.inference.tokenizer.UnencodableTextException;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import dev.loupe.tensor.grpc.TensorWireException;
import java.util.Set;
import java.util.function.Supplier;

/** What the domain's own exceptions mean to a caller. */
public final class DomainErrors {
  /** Fields that hold no vector: what is wrong with them is their choice. */
  private static final Set<String> NO_SHAPES = Set.of("heads", "hook_point");

  private DomainErrors() {}

  /** Runs domain code, and gives its exceptions their reasons. */
  public static <T> T translated(Supplier<T> body) {
    try {
      return body.get();
    } catch (RuntimeException e) {
      throw translate(e);
    }
  }

  /** Runs domain code, and gives its exceptions their reasons. */
  public static void translated(Runnable body) {
    try {
      body.run();
    } catch (RuntimeException e) {
      throw translate(e);
    }
  }

  /** A domain exception with its reason; others as they are. */
  public static RuntimeException translate(RuntimeException e) {
    if (e instanceof UnknownHookPointException unknown) {
      return LoupeException.of(ErrorReason.UNKNOWN_HOOK_POINT, e.getMessage(), e)
          .with("nearest", String.join(",", unknown.nearest()));
    }
    if (e instanceof InvalidInterventionException invalid) {
      return LoupeException.of(reason(invalid), e.getMessage(), e).with("field", invalid.field());
    }
    if (e instanceof InvalidMetricException metric) {
      return LoupeException.of(reason(metric), e.getMessage(), e)
          .with("field", "metric." + metric.field());
    }
    if (e instanceof InvalidCaptureException invalid) {
      return LoupeException.of(reason(invalid), e.getMessage(), e).with("field", invalid.field());
    }
    if (e instanceof UnknownCacheException) {
      return LoupeException.of(ErrorReason.CACHE_NOT_FOUND, e.getMessage(), e);
    }
    if (e instanceof CacheFullException full) {
      return LoupeException.of(ErrorReason.OUT_OF_BUDGET, e.getMessage(), e)
          .with("bytes", full.bytes())
          .with("limit", full.free());
    }
    if (e instanceof InvalidLinearAttributionException linear) {
      return LoupeException.of(reason(linear), e.getMessage(), e);
    }
    if (e instanceof IncompatibleGradientException) {
      return LoupeException.of(ErrorReason.INVALID_VALUE, e.getMessage(), e)
          .with("field", "gradients");
    }
    if (e instanceof NotFiniteException) {
      return LoupeException.of(ErrorReason.NOT_FINITE, e.getMessage(), e);
    }
    if (e instanceof TokenRangeException) {
      return LoupeException.of(ErrorReason.TOKEN_OUT_OF_RANGE, e.getMessage(), e);
    }
    if (e instanceof PositionOutOfRangeException) {
      return LoupeException.of(ErrorReason.POSITION_OUT_OF_RANGE, e.getMessage(), e);
    }
    if (e instanceof NoTokenizerException) {
      return LoupeException.of(ErrorReason.NO_TOKENIZER, e.getMessage(), e);
    }
    if (e instanceof UnencodableTextException
        || e instanceof InvalidMaskException
        || e instanceof InvalidUnitsException) {
      return LoupeException.of(ErrorReason.INVALID_VALUE, e.getMessage(), e);
    }
    if (e instanceof TensorWireException wire) {
      ErrorReason reason =
          wire.isTooLarge() ? ErrorReason.MESSAGE_TOO_LARGE : ErrorReason.WRONG_SHAPE;
      return LoupeException.of(reason, e.getMessage(), e);
    }
    return e;
  }

  private static ErrorReason reason(InvalidLinearAttributionException e) {
    return switch (e.kind()) {
      case HOOK_POINT -> ErrorReason.INVALID_VALUE;
      case POSITION -> ErrorReason.POSITION_OUT_OF_RANGE;
      case WRONG_SHAPE -> ErrorReason.WRONG_SHAPE;
    };
  }

  private static ErrorReason reason(InvalidMetricException e) {
    return switch (e.kind()) {
      case POSITION -> ErrorReason.POSITION_OUT_OF_RANGE;
      case TOKEN -> ErrorReason.TOKEN_OUT_OF_RANGE;
      case WRONG_SHAPE -> ErrorReason.WRONG_SHAPE;
      case INVALID_VALUE -> ErrorReason.INVALID_VALUE;
    };
  }

  private static ErrorReason reason(InvalidCaptureException e) {
    return switch (e.kind()) {
      case POSITION -> ErrorReason.POSITION_OUT_OF_RANGE;
      case HEAD -> ErrorReason.HEAD_OUT_OF_RANGE;
      case WRONG_SHAPE -> ErrorReason.WRONG_SHAPE;
      case NOT_FINITE -> ErrorReason.NOT_FINITE;
      case VALUE -> ErrorReason.INVALID_VALUE;
    };
  }

  private static ErrorReason reason(InvalidInterventionException e) {
    return switch (e.kind()) {
      case NOT_FINITE -> ErrorReason.NOT_FINITE;
      case WRONG_SHAPE ->
          NO_SHAPES.contains(e.field()) ? ErrorReason.INVALID_VALUE : ErrorReason.WRONG_SHAPE;
      case OUT_OF_RANGE ->
          switch (e.field()) {
            case "positions", "source_positions" -> ErrorReason.POSITION_OUT_OF_RANGE;
            case "heads" -> ErrorReason.HEAD_OUT_OF_RANGE;
            default -> ErrorReason.INVALID_VALUE;
          };
    };
  }
}
