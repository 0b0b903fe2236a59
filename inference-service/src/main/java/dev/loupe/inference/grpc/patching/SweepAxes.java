package dev.loupe.inference.grpc.patching;

import dev.loupe.inference.model.GptConfig;
import dev.loupe.inference.sweeps.PatchedActivation;
import dev.loupe.inference.sweeps.SweepGrid;
import dev.loupe.proto.inference.v1.SweepPatchesRequest;
import dev.loupe.server.errors.ErrorReason;
import dev.loupe.server.errors.LoupeException;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** Which cells a request asks for. */
record SweepAxes(GptConfig config, SweepPatchesRequest request, int length) {
  private static final int MAX_CELLS = 1_000_000;

  SweepGrid grid() {
    PatchedActivation activation = activation();
    int[] layers =
        chosen("layers", request.getLayersList(), 0, config.layers(), ErrorReason.INVALID_VALUE);
    int[] positions =
        byPosition()
            ? chosen(
                "positions",
                request.getPositionsList(),
                length,
                length,
                ErrorReason.POSITION_OUT_OF_RANGE)
            : none("positions", request.getPositionsCount(), "BY_POSITION");
    int[] heads =
        activation.isPerHead()
            ? chosen(
                "heads", request.getHeadsList(), 0, config.heads(), ErrorReason.HEAD_OUT_OF_RANGE)
            : none("heads", request.getHeadsCount(), "an activation of heads");
    long cells = (long) layers.length * Math.max(1, positions.length) * Math.max(1, heads.length);
    if (cells > MAX_CELLS) {
      throw LoupeException.of(
              ErrorReason.INVALID_VALUE,
              "the sweep has %d cells; give layers, positions or heads that make at most %d"
                  .formatted(cells, MAX_CELLS))
          .with("limit", MAX_CELLS);
    }
    return new SweepGrid(activation, layers, positions, heads);
  }

  private boolean byPosition() {
    return switch (request.getSpread()) {
      case PATCH_SPREAD_BY_POSITION -> true;
      case PATCH_SPREAD_ALL_POSITIONS -> false;
      case PATCH_SPREAD_UNSPECIFIED, UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              "spread", request.getSpreadValue(), "BY_POSITION or ALL_POSITIONS");
    };
  }

  private PatchedActivation activation() {
    return switch (request.getActivation()) {
      case PATCHED_ACTIVATION_RESID_PRE -> PatchedActivation.RESID_PRE;
      case PATCHED_ACTIVATION_RESID_MID -> PatchedActivation.RESID_MID;
      case PATCHED_ACTIVATION_RESID_POST -> PatchedActivation.RESID_POST;
      case PATCHED_ACTIVATION_ATTN_OUT -> PatchedActivation.ATTN_OUT;
      case PATCHED_ACTIVATION_MLP_OUT -> PatchedActivation.MLP_OUT;
      case PATCHED_ACTIVATION_HEAD_Z -> PatchedActivation.Z;
      case PATCHED_ACTIVATION_HEAD_Q -> PatchedActivation.Q;
      case PATCHED_ACTIVATION_HEAD_K -> PatchedActivation.K;
      case PATCHED_ACTIVATION_HEAD_V -> PatchedActivation.V;
      case PATCHED_ACTIVATION_HEAD_PATTERN -> PatchedActivation.PATTERN;
      case PATCHED_ACTIVATION_UNSPECIFIED, UNRECOGNIZED ->
          throw LoupeException.invalidValue(
              "activation",
              request.getActivationValue(),
              "one of RESID_PRE, RESID_MID, RESID_POST, ATTN_OUT, MLP_OUT, HEAD_Z, HEAD_Q, HEAD_K, HEAD_V and HEAD_PATTERN");
    };
  }

  /** The values of one axis, each once, ascending. */
  private static int[] chosen(
      String field, List<Integer> asked, int negative, int size, ErrorReason reason) {
    if (asked.isEmpty()) {
      return IntStream.range(0, size).toArray();
    }
    TreeSet<Integer> values = new TreeSet<>();
    for (int i = 0; i < asked.size(); i++) {
      int value = asked.get(i);
      if (value < -negative || value >= size) {
        throw LoupeException.invalid(
            reason, field + "[" + i + "]", value, "%d to %d".formatted(-negative, size - 1));
      }
      values.add(value < 0 ? size + value : value);
    }
    return values.stream().mapToInt(Integer::intValue).toArray();
  }

  private static int[] none(String field, int count, String where) {
    if (count > 0) {
      throw LoupeException.invalidValue(field, count + " entries", "none, unless with " + where);
    }
    return new int[0];
  }
}
