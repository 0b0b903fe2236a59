package dev.loupe.inference.gradients;

import dev.loupe.inference.model.hooks.HookPoint;

/**
 * A gradient is asked for at ln1 where heads' own inputs are edited, or the other way round: with
 * such edits each head has a layer norm of its own.
 */
public class IncompatibleGradientException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  IncompatibleGradientException(HookPoint gradient, HookPoint edit) {
    super(
        "a gradient at %s and an edit of %s exclude each other; ask for one of them"
            .formatted(gradient, edit));
  }
}
