package dev.loupe.inference.analysis;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import dev.loupe.inference.model.ForwardOptions;
import dev.loupe.inference.model.HookedTransformer;
import dev.loupe.inference.model.LogitsMode;
import dev.loupe.inference.model.PassControl;
import dev.loupe.inference.model.TokenBatch;
import dev.loupe.inference.model.hooks.ActivationReader;
import dev.loupe.inference.model.hooks.HookPoint;
import dev.loupe.inference.model.hooks.HookProgram;
import dev.loupe.inference.model.hooks.PassRows;
import dev.loupe.tensor.NdArrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Values at one position of one row, without keeping the other positions'. */
final class PositionReadings {
  private final HookedTransformer model;
  private final int column;
  private final Map<HookPoint, AtColumn> values = new HashMap<>();

  PositionReadings(HookedTransformer model, int column) {
    this.model = model;
    this.column = column;
  }

  /** Adds a hook point that has positions as its second axis. */
  void add(HookPoint point) {
    values.put(point, new AtColumn(column));
  }

  /** Runs the row up to the last of the hook points. */
  void run(NDManager scope, int[] tokens, PassControl control) {
    HookProgram.Builder program = HookProgram.builder(model.config());
    values.forEach(program::read);
    ForwardOptions options =
        ForwardOptions.plain().with(program.build()).with(LogitsMode.NONE).with(control);
    model.forward(scope, TokenBatch.of(tokens), options);
  }

  /** The value at a hook point, flat. */
  float[] value(HookPoint point) {
    return values.get(point).read;
  }

  /** Copies one position out of the engine. */
  private static final class AtColumn implements ActivationReader {
    private final int column;
    private float[] read;

    AtColumn(int column) {
      this.column = column;
    }

    @Override
    public List<NDArray> read(NDArray value, PassRows rows) {
      read = NdArrays.floats(value.get(new NDIndex("0, {}", column)));
      return List.of();
    }

    @Override
    public double elements(int rows, int width) {
      return 0;
    }
  }
}
